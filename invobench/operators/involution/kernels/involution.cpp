// Involution's aggregation for CPUs, as operators of PyTorch: forward, and the gradients of x and of the weights.
//
// The sums run over tiles of one group in float32 with contiguous channels (rows.h). Where x, weights and y lie so
// already (channels_last, float32), they are used in place; otherwise each thread gathers a group's tile, which stays
// in its cache, and scatters the result.

#include "product.h"
#include "rows.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <memory>
#include <vector>

namespace invobench {
namespace {

using at::Tensor;
// Columns of all groups in turn, so that whole cache lines of x are used while they are near.
constexpr int64_t SPAN = 8;
// Pixels whose kernels are made at once: they stay in a core's second-level cache.
constexpr int64_t BLOCK_PIXELS = 64;

struct Sizes {
  int64_t batch, channels, groups, taps, width;  // width: channels of a group, padded to whole vectors
  Geometry at;

  int64_t per_group() const { return channels / groups; }
  int64_t in_pixels() const { return at.height * at.width; }
  int64_t out_pixels() const { return at.out_height * at.out_width; }
};

int64_t out_size(int64_t size, int64_t K, int64_t stride, int64_t dilation) {
  return (size + 2 * (dilation * (K / 2)) - dilation * (K - 1) - 1) / stride + 1;
}

Sizes sizes_of(at::IntArrayRef x, at::IntArrayRef w, int64_t K, int64_t stride, int64_t dilation) {
  TORCH_CHECK(x.size() == 4 && w.size() == 5, "involution: x must be [N, C, H, W] and weight [N, G, K*K, H, W]");
  const int64_t height = out_size(x[2], K, stride, dilation), width = out_size(x[3], K, stride, dilation);
  TORCH_CHECK(K % 2 == 1 && stride > 0 && dilation > 0, "involution: kernel_size must be odd, stride and dilation > 0");
  TORCH_CHECK(w[0] == x[0] && w[1] > 0 && x[1] % w[1] == 0 && w[2] == K * K && w[3] == height && w[4] == width,
              "involution: weight ", w, " does not fit x ", x, " with kernel_size ", K, ", stride ", stride,
              ", dilation ", dilation);
  const int64_t per_group = x[1] / w[1];
  return {x[0], x[1], w[1], K * K, (per_group + LANES - 1) / LANES * LANES,
          {x[2], x[3], height, width, K, stride, dilation, dilation * (K / 2)}};
}

// An image of the batch: strides of image, group, channel (or tap) and pixel, rows one after another.
template <typename T>
struct Planes {
  T* data;
  int64_t image, group;
  Layout layout;

  T* at(int64_t n, int64_t g) const { return data + n * image + g * group; }
};

bool channels_last(const Tensor& t) { return t.is_contiguous(at::MemoryFormat::ChannelsLast) && !t.is_contiguous(); }

Tensor dense(const Tensor& t) { return t.is_contiguous() || channels_last(t) ? t : t.contiguous(); }

// [N, G, K*K, H, W] as channels_last makes it of [N, G*K*K, H, W]: a stride of one element's dimension says nothing.
bool taps_last(const Tensor& w) {
  const int64_t pixel = w.size(1) * w.size(2), row = pixel * w.size(4);
  const int64_t wanted[] = {row * w.size(3), w.size(2), 1, row, pixel};
  for (int64_t i = 0; i < 5; ++i)
    if (w.size(i) != 1 && w.stride(i) != wanted[i]) return false;
  return true;
}

Tensor dense_weight(const Tensor& w) { return w.is_contiguous() || taps_last(w) ? w : w.contiguous(); }

template <typename T>
Planes<T> planes(const Tensor& x, int64_t groups) {
  const int64_t channels = x.size(1), pixels = x.size(2) * x.size(3), per_group = channels / groups;
  T* data = const_cast<T*>(x.const_data_ptr<T>());
  if (channels_last(x)) return {data, channels * pixels, per_group, {1, channels}};
  return {data, channels * pixels, per_group * pixels, {pixels, 1}};
}

template <typename T>
Planes<T> weight_planes(const Tensor& w) {
  const int64_t taps = w.size(2), all = w.size(1) * taps, pixels = w.size(3) * w.size(4);
  T* data = const_cast<T*>(w.const_data_ptr<T>());
  if (!w.is_contiguous()) return {data, all * pixels, taps, {1, all}};
  return {data, all * pixels, taps * pixels, {pixels, 1}};
}

// Whether an array can be used in place of a tile.
template <typename T>
bool in_place(const Planes<T>& planes) {
  return std::is_same_v<T, float> && planes.layout.channel == 1;
}

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

// The weights of one group, in place where they are float32, else a copy in `room` with a pixel's taps together.
template <typename T>
Weights weights_of(const Planes<T>& planes, int64_t n, int64_t g, int64_t taps, Range rows, int64_t columns,
                   std::unique_ptr<float[]>& room) {
  if constexpr (std::is_same_v<T, float>)
    return {planes.at(n, g), columns * planes.layout.pixel, planes.layout.pixel, planes.layout.channel};
  room.reset(new float[rows.size() * columns * taps]);
  gather(planes.at(n, g) + rows.begin * columns * planes.layout.pixel, planes.layout, taps, rows.size() * columns,
         room.get(), taps);
  return {room.get() - rows.begin * columns * taps, columns * taps, taps, 1};
}

// A tile of one group: a view of an array that can be used in place, or a copy in `room`.
template <typename T>
Image<const float> tile(const Planes<T>& planes, int64_t n, int64_t g, int64_t channels, int64_t width, int64_t first,
                        int64_t rows, int64_t columns, bool direct, std::unique_ptr<float[]>& room) {
  if constexpr (std::is_same_v<T, float>)
    if (direct) return {planes.at(n, g), columns * planes.layout.pixel, planes.layout.pixel};
  if (!room) room.reset(new float[rows * columns * width]);
  gather(planes.at(n, g) + first * columns * planes.layout.pixel, planes.layout, channels, rows * columns, room.get(),
         width);
  return {room.get() - first * columns * width, columns * width, width};
}


// Where rows of one group are written: in place, or in `room`, which `put` copies to where they belong.
template <typename T>
Image<float> written(const Planes<T>& planes, int64_t n, int64_t g, int64_t width, Range rows, int64_t columns,
                     bool direct, std::unique_ptr<float[]>& room) {
  if constexpr (std::is_same_v<T, float>)
    if (direct) return {planes.at(n, g), columns * planes.layout.pixel, planes.layout.pixel};
  room.reset(new float[rows.size() * columns * width]);
  return {room.get() - rows.begin * columns * width, columns * width, width};
}

template <typename T>
void put(const Planes<T>& planes, int64_t n, int64_t g, int64_t channels, int64_t width, Range rows, int64_t columns,
         const std::unique_ptr<float[]>& room) {
  T* to = planes.at(n, g) + rows.begin * columns * planes.layout.pixel;
  scatter(room.get(), width, channels, rows.size() * columns, to, planes.layout);
}

// Which rows of x the rows of y see, and which rows of y see those of x.
Range seen(const Geometry& g, Range rows) {
  const int64_t reach = g.dilation * (g.kernel_size - 1);
  return {std::max<int64_t>(0, rows.begin * g.stride - g.pad),
          std::min(g.height, (rows.end - 1) * g.stride - g.pad + reach + 1)};
}

Range seeing(const Geometry& g, Range rows) {
  const int64_t reach = g.dilation * (g.kernel_size - 1), low = rows.begin + g.pad - reach;
  return {low <= 0 ? 0 : (low + g.stride - 1) / g.stride,
          std::min(g.out_height, (rows.end - 1 + g.pad) / g.stride + 1)};
}

// Work is cut by image, group and, where those are few, by rows; f(n, g, rows).
template <typename F>
void for_tiles(const Sizes& s, int64_t rows, const F& f) {
  const int64_t units = s.batch * s.groups, wanted = 4 * at::get_num_threads();
  const int64_t parts = std::clamp<int64_t>((wanted + units - 1) / std::max<int64_t>(units, 1), 1, std::max<int64_t>(rows, 1));
  const int64_t step = (rows + parts - 1) / parts;
  at::parallel_for(0, units * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t part = unit % parts, g = unit / parts % s.groups, n = unit / (s.groups * parts);
      const Range range{part * step, std::min(rows, (part + 1) * step)};
      if (range.size() > 0) f(n, g, range);
    }
  });
}

template <typename T, bool FORWARD>
void sums_of(const Sizes& s, const Planes<T>& in, const Planes<T>& w, const Planes<T>& out) {
  const int64_t channels = s.per_group();
  const bool whole = channels == s.width;
  const bool in_direct = in_place(in) && whole, out_direct = in_place(out) && whole;
  const Geometry& g = s.at;
  const int64_t rows = FORWARD ? g.out_height : g.height, columns = FORWARD ? g.out_width : g.width;
  if constexpr (std::is_same_v<T, float>)
    if (in_direct && out_direct) {
      at::parallel_for(0, s.batch * rows, 1, [&](int64_t begin, int64_t end) {
        for (int64_t unit = begin; unit < end; ++unit) {
          const int64_t n = unit / rows, row = unit % rows;
          for (int64_t x = 0; x < columns; x += SPAN)
            for (int64_t group = 0; group < s.groups; ++group)
              sum_row<FORWARD>(g, {in.at(n, group), (FORWARD ? g.width : g.out_width) * in.layout.pixel, in.layout.pixel},
                               {w.at(n, group), g.out_width * w.layout.pixel, w.layout.pixel, w.layout.channel},
                               {out.at(n, group), columns * out.layout.pixel, out.layout.pixel}, row, x,
                               std::min(columns, x + SPAN), s.width);
        }
      });
      return;
    }
  for_tiles(s, rows, [&](int64_t n, int64_t group, Range range) {
    std::unique_ptr<float[]> in_room, w_room, out_room;
    const Range other = FORWARD ? seen(g, range) : seeing(g, range), weights = FORWARD ? range : other;
    if (other.size() <= 0) {  // no tap reaches these rows
      out_room.reset(new float[range.size() * columns * s.width]());
      put(out, n, group, channels, s.width, range, columns, out_room);
      return;
    }
    const auto source = tile(in, n, group, channels, s.width, other.begin, other.size(), FORWARD ? g.width : g.out_width,
                             in_direct, in_room);
    const Weights weight = weights_of(w, n, group, s.taps, weights, g.out_width, w_room);
    const auto target = written(out, n, group, s.width, range, columns, out_direct, out_room);
    for (int64_t row = range.begin; row < range.end; ++row)
      sum_row<FORWARD>(g, source, weight, target, row, 0, columns, s.width);
    if (!out_direct) put(out, n, group, channels, s.width, range, columns, out_room);
  });
}

template <typename T>
void weight_sums(const Sizes& s, const Planes<T>& x, const Planes<T>& gy, const Planes<T>& gw) {
  const int64_t channels = s.per_group();
  const bool gy_direct = in_place(gy) && channels == s.width, gw_direct = in_place(gw);
  const Geometry& g = s.at;
  const WeightRow fast = weight_row_for(g);
  const int64_t width = (g.width + 2 * g.pad + 2 * LANES) / LANES * LANES;  // a vector may begin at the last tap
  for_tiles(s, g.out_height, [&](int64_t n, int64_t group, Range range) {
    std::unique_ptr<float[]> x_room, gy_room, gw_room;
    const Range rows = seen(g, range);
    const int64_t there = std::max<int64_t>(0, rows.size());
    const auto grad =
        tile(gy, n, group, channels, s.width, range.begin, range.size(), g.out_width, gy_direct, gy_room);
    const auto target = written(gw, n, group, s.taps, range, g.out_width, gw_direct, gw_room);
    if (fast) {
      x_room.reset(new float[channels * there * width]);
      gather_rows(x.at(n, group) + rows.begin * g.width * x.layout.pixel, x.layout, channels, there, g.width,
                  x_room.get(), width, g.pad);
      for (int64_t row = range.begin; row < range.end; ++row)
        fast(g, {x_room.get(), there, width, rows.begin}, grad, target, row, channels);
    } else {
      const auto source = tile(x, n, group, channels, s.width, rows.begin, there, g.width, false, x_room);
      for (int64_t row = range.begin; row < range.end; ++row) weight_row_any(g, source, grad, target, row, s.width);
    }
    if (!gw_direct) put(gw, n, group, s.taps, s.taps, range, g.out_width, gw_room);
  });
}

template <typename F>
void with_type(const Tensor& x, const F& f) {
  if (x.scalar_type() == at::kFloat)
    f(float{});
  else if (x.scalar_type() == at::kBFloat16)
    f(c10::BFloat16{});
  else if (x.scalar_type() == at::kHalf)
    f(c10::Half{});
  else
    TORCH_CHECK_NOT_IMPLEMENTED(false, "involution: the CPU's kernels compute in float32, bfloat16 and float16, not in ",
                                x.scalar_type());
}

Tensor forward(const Tensor& x_, const Tensor& w_, int64_t K, int64_t stride, int64_t dilation) {
  const Sizes s = sizes_of(x_.sizes(), w_.sizes(), K, stride, dilation);
  TORCH_CHECK(x_.scalar_type() == w_.scalar_type(), "involution: x and weight must have one dtype");
  const Tensor x = dense(x_), w = dense_weight(w_);
  const auto format = channels_last(x) ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  Tensor y = at::empty({s.batch, s.channels, s.at.out_height, s.at.out_width}, x.options(), format);
  with_type(x, [&](auto zero) {
    using T = decltype(zero);
    sums_of<T, true>(s, planes<T>(x, s.groups), weight_planes<T>(w), planes<T>(y, s.groups));
  });
  return y;
}

Tensor grad_x(const Tensor& gy_, const Tensor& w_, at::IntArrayRef size, int64_t K, int64_t stride, int64_t dilation) {
  const Sizes s = sizes_of(size, w_.sizes(), K, stride, dilation);
  const Tensor gy = dense(gy_), w = dense_weight(w_);
  const auto format = channels_last(gy) ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  Tensor gx = at::empty(size, gy.options(), format);
  with_type(gy, [&](auto zero) {
    using T = decltype(zero);
    sums_of<T, false>(s, planes<T>(gy, s.groups), weight_planes<T>(w), planes<T>(gx, s.groups));
  });
  return gx;
}

Tensor grad_weight(const Tensor& gy_, const Tensor& x_, int64_t groups, int64_t K, int64_t stride, int64_t dilation) {
  const Tensor gy = dense(gy_), x = dense(x_);
  const std::vector<int64_t> size{x.size(0), groups, K * K, gy.size(2), gy.size(3)};
  const Sizes s = sizes_of(x.sizes(), size, K, stride, dilation);
  Tensor gw;
  if (channels_last(x)) {
    const int64_t all = groups * K * K;
    gw = at::empty({size[0], all, size[3], size[4]}, x.options(), at::MemoryFormat::ChannelsLast)
             .as_strided(size, {all * s.out_pixels(), K * K, 1, all * size[4], all});
  } else {
    gw = at::empty(size, x.options());
  }
  with_type(x, [&](auto zero) {
    using T = decltype(zero);
    weight_sums<T>(s, planes<T>(x, groups), planes<T>(gy, groups), weight_planes<T>(gw));
  });
  return gw;
}

// A matrix of the generator as float32, contiguous.
Tensor matrix(const Tensor& t) { return t.to(at::kFloat).contiguous(); }

// Everything between x's pixels and y: reduce (with its affine map and ReLU, where there is one), span, aggregation.
struct Generator {
  Tensor reduce, scale, shift, span, bias;  // reduce undefined: the features are reduced already

  int64_t depth() const { return span.size(1); }
};

// y of `rows` of one image, groups `first` to `last`; the kernel of these pixels is made in `room` and never stored.
template <typename T>
void fused_rows(const Sizes& s, const Planes<T>& x, const Planes<T>& features, int64_t feature_channels,
                const Planes<T>& y, const Generator& by, int64_t n, Range groups, Range rows, std::vector<float>& room) {
  const Geometry& g = s.at;
  const int64_t pixels = rows.size() * g.out_width, panels = (pixels + PANEL - 1) / PANEL, depth = by.depth();
  const int64_t taps = groups.size() * s.taps, wide = panels * PANEL;
  const int64_t need = panels * PANEL * (feature_channels + (by.reduce.defined() ? depth : 0)) + taps * wide;
  if (static_cast<int64_t>(room.size()) < need) room.resize(need);
  float* panel = room.data();
  float* next = panel + feature_channels * wide;
  panels_of(features.at(n, 0) + rows.begin * g.out_width * features.layout.pixel, features.layout, feature_channels,
            pixels, panel);
  if (by.reduce.defined()) {
    product(by.reduce.const_data_ptr<float>(), depth, feature_channels, panel, panels, nullptr, next, PANEL,
            depth * PANEL);
    const float *scale = by.scale.const_data_ptr<float>(), *shift = by.shift.const_data_ptr<float>();
    for (int64_t p = 0; p < panels; ++p)
      for (int64_t c = 0; c < depth; ++c)
        for (int64_t i = 0; i < PANEL; i += LANES) {
          float* at = next + (p * depth + c) * PANEL + i;
          const Vec value = load(at) * splat(scale[c]) + splat(shift[c]);
          store(at, value > 0 ? value : splat(0));
        }
    panel = next;
    next += depth * wide;
  }
  product(by.span.const_data_ptr<float>() + groups.begin * s.taps * depth, taps, depth, panel, panels,
          by.bias.const_data_ptr<float>() + groups.begin * s.taps, next, wide, PANEL);
  const bool whole = s.per_group() == s.width;
  const bool x_direct = in_place(x) && whole, y_direct = in_place(y) && whole;
  const Range seen_rows = seen(g, rows);
  std::unique_ptr<float[]> x_room, y_room;
  const int64_t span = x_direct && y_direct ? SPAN : g.out_width;
  for (int64_t c = 0; c < g.out_width; c += span)
    for (int64_t group = groups.begin; group < groups.end; ++group) {
      const auto source = tile(x, n, group, s.per_group(), s.width, seen_rows.begin, seen_rows.size(), g.width,
                               x_direct, x_room);
      const auto target = written(y, n, group, s.width, rows, g.out_width, y_direct, y_room);
      const Weights w{next + (group - groups.begin) * s.taps * wide - rows.begin * g.out_width, g.out_width, 1, wide};
      for (int64_t row = rows.begin; row < rows.end; ++row)
        sum_row<true>(g, source, w, target, row, c, std::min(g.out_width, c + span), s.width);
      if (!y_direct) put(y, n, group, s.per_group(), s.width, rows, g.out_width, y_room);
    }
}

// [N, C, H, W] -> [N, C, H_out, W_out] with the kernel made from `features` [N, F, H_out, W_out].
Tensor fused(const Tensor& x_, const Tensor& features_, const std::optional<Tensor>& reduce,
             const std::optional<Tensor>& scale, const std::optional<Tensor>& shift, const Tensor& span,
             const Tensor& bias, int64_t groups, int64_t K, int64_t stride, int64_t dilation) {
  const Tensor x = dense(x_), features = dense(features_);
  const std::vector<int64_t> size{x.size(0), groups, K * K, features.size(2), features.size(3)};
  const Sizes s = sizes_of(x.sizes(), size, K, stride, dilation);
  Generator by{reduce ? matrix(reduce->flatten(1)) : Tensor(), scale ? matrix(*scale) : Tensor(),
               shift ? matrix(*shift) : Tensor(), matrix(span.flatten(1)), matrix(bias)};
  TORCH_CHECK(by.span.size(0) == groups * s.taps, "involution: span makes ", by.span.size(0), " weights, not ",
              groups * s.taps);
  const auto format = channels_last(x) ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  Tensor y = at::empty({s.batch, s.channels, s.at.out_height, s.at.out_width}, x.options(), format);
  with_type(x, [&](auto zero) {
    using T = decltype(zero);
    const auto in = planes<T>(x, groups), from = planes<T>(features, 1), out = planes<T>(y, groups);
    const Geometry& g = s.at;
    const int64_t threads = at::get_num_threads();
    int64_t step = std::max<int64_t>(1, BLOCK_PIXELS / g.out_width);
    step = std::min(step, std::max<int64_t>(1, (s.batch * g.out_height + threads - 1) / threads));
    const int64_t parts = (g.out_height + step - 1) / step;
    at::parallel_for(0, s.batch * parts, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> room;
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t n = unit / parts, part = unit % parts;
        fused_rows<T>(s, in, from, features.size(1), out, by, n, {0, groups},
                      {part * step, std::min(g.out_height, (part + 1) * step)}, room);
      }
    });
  });
  return y;
}

}  // namespace

TORCH_LIBRARY_IMPL(invobench, CPU, m) {
  m.impl("involution_fused", fused);
  m.impl("involution", forward);
  m.impl("involution_grad_x", grad_x);
  m.impl("involution_grad_weight", grad_weight);
}

}  // namespace invobench
