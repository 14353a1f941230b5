// The three sums of an involution over one row of pixels of one group, on float32 with contiguous channels:
//   y[o] = Σ_t w[o, t] x[o·stride + t·dilation - pad]            forward
//   gx[i] = Σ_{o, t: o·stride + t·dilation - pad = i} w[o, t] gy[o]   gradient of x
//   gw[o, t] = Σ_c x[o·stride + t·dilation - pad, c] gy[o, c]      gradient of w
// Taps outside of the image are not visited: at 7×7 pixels and K = 7 they are 43 % of all.
#pragma once

#include "tiles.h"

#include <algorithm>

namespace invobench {

struct Geometry {
  int64_t height, width, out_height, out_width;
  int64_t kernel_size, stride, dilation, pad;
};

// An image whose channels are contiguous: strides in floats; `at` is row 0, column 0 of the group's first channel.
template <typename T>
struct Image {
  T* at;
  int64_t row, pixel;

  T* operator()(int64_t y, int64_t x) const { return at + y * row + x * pixel; }
};

// The weights of one group: `tap` is 1, or `pixel` is (rows of pixels for each tap).
struct Weights {
  const float* at;
  int64_t row, pixel, tap;

  const float* operator()(int64_t y, int64_t x, int64_t t) const { return at + y * row + x * pixel + t * tap; }
};

// P pixels of a row with V vectors of channels in registers, a column of the other image at a time, which up to P of
// them use. FORWARD: the pixels are y's, the columns x's, and a pixel's own weights are read. Otherwise the pixels are
// gx's, the columns gy's, and the weights are those of the columns, read backwards. TAPS: a pixel's weights are
// neighbours, else a tap's pixels are. INSIDE: all columns exist.
template <int K, int S, int P, int V, bool FORWARD, bool TAPS, bool INSIDE>
inline void block(const Geometry& g, Image<const float> in, Weights w, Image<float> out, int64_t row,
                  int64_t column) {
  const int64_t pixel = TAPS ? w.pixel : 1, step = TAPS ? 1 : w.tap;
  constexpr int COLUMNS = FORWARD ? (P - 1) * S + K : P + K - 1;
  Vec sum[P][V];
  for (auto& pixel : sum)
    for (auto& lane : pixel) lane = splat(0);
  const int64_t left = FORWARD ? column * S - g.pad : column + g.pad - (K - 1);
  const int64_t rows = FORWARD ? g.height : g.out_height, columns = FORWARD ? g.width : g.out_width;
  const int64_t top = FORWARD ? row * S - g.pad : row + g.pad - (K - 1);
  const int64_t first = std::max<int64_t>(0, -top), last = std::min<int64_t>(K, rows - top);
  for (int64_t k = first; k < last; ++k) {
    const float* values = in(top + k, left);
    const int64_t u = FORWARD ? k : K - 1 - k;
    const float* weights = FORWARD ? w(row, column, u * K) : w(top + k, left, u * K);
#pragma GCC unroll 32
    for (int j = 0; j < COLUMNS; ++j) {
      if (!INSIDE && (left + j < 0 || left + j >= columns)) continue;
      Vec value[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) value[v] = load(values + j * in.pixel + v * LANES);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) {
        const int tap = FORWARD ? j - p * S : p + K - 1 - j;
        if (tap < 0 || tap >= K) continue;
        const Vec weight = splat(weights[(FORWARD ? p : j) * pixel + tap * step]);
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) sum[p][v] += weight * value[v];
      }
    }
  }
  for (int p = 0; p < P; ++p)
    for (int v = 0; v < V; ++v) store(out(row, column + p) + v * LANES, sum[p][v]);
}

template <int K, int S, int V, bool FORWARD, bool TAPS>
void row_of(const Geometry& g, Image<const float> in, Weights w, Image<float> out, int64_t row, int64_t x,
            int64_t pixels) {
  const int64_t columns = FORWARD ? g.width : g.out_width;
  auto inside = [&](int64_t count) {
    const int64_t left = FORWARD ? x * S - g.pad : x + g.pad - (K - 1);
    return left >= 0 && left + (FORWARD ? (count - 1) * S + K : count + K - 1) <= columns;
  };
  for (; x + 4 <= pixels; x += 4)
    if (inside(4))
      block<K, S, 4, V, FORWARD, TAPS, true>(g, in, w, out, row, x);
    else
      block<K, S, 4, V, FORWARD, TAPS, false>(g, in, w, out, row, x);
  if (x + 2 <= pixels) {
    block<K, S, 2, V, FORWARD, TAPS, false>(g, in, w, out, row, x);
    x += 2;
  }
  if (x < pixels) block<K, S, 1, V, FORWARD, TAPS, false>(g, in, w, out, row, x);
}

// The gradient of x at stride 2: a pixel meets every second tap of every second row, and pixels two apart the same
// taps. FIRST: the first of these taps in a row. P pixels, two apart, from `column`.
template <int K, int FIRST, int P, int V, bool TAPS>
inline void second_block(const Geometry& g, Image<const float> gy, Weights w, Image<float> gx, int64_t row,
                         int64_t column) {
  constexpr int M = (K - FIRST + 1) / 2;
  const int64_t pixel = TAPS ? w.pixel : 1, step = TAPS ? 1 : w.tap;
  const int64_t left = (column + g.pad - FIRST) / 2 - (M - 1);
  Vec sum[P][V];
  for (auto& each : sum)
    for (auto& lane : each) lane = splat(0);
  for (int64_t u = (row + g.pad) % 2; u < K; u += 2) {
    const int64_t y = (row + g.pad - u) / 2;
    if (row + g.pad < u || y >= g.out_height) continue;
    const float *values = gy(y, left), *weights = w(y, left, u * K + FIRST);
#pragma GCC unroll 16
    for (int j = 0; j < P + M - 1; ++j) {
      if (left + j < 0 || left + j >= g.out_width) continue;
      Vec value[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) value[v] = load(values + j * gy.pixel + v * LANES);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) {
        const int m = p + M - 1 - j;
        if (m < 0 || m >= M) continue;
        const Vec weight = splat(weights[j * pixel + 2 * m * step]);
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) sum[p][v] += weight * value[v];
      }
    }
  }
  for (int p = 0; p < P; ++p)
    for (int v = 0; v < V; ++v) store(gx(row, column + 2 * p) + v * LANES, sum[p][v]);
}

template <int K, int V, bool TAPS>
void second_row_of(const Geometry& g, Image<const float> gy, Weights w, Image<float> gx, int64_t row, int64_t x,
                   int64_t pixels) {
  for (int64_t start = x; start < std::min(x + 2, pixels); ++start) {
    const bool odd = (start + g.pad) % 2;
    int64_t at = start;
    for (; at + 6 < pixels; at += 8)
      (odd ? second_block<K, 1, 4, V, TAPS> : second_block<K, 0, 4, V, TAPS>)(g, gy, w, gx, row, at);
    for (; at < pixels; at += 2)
      (odd ? second_block<K, 1, 1, V, TAPS> : second_block<K, 0, 1, V, TAPS>)(g, gy, w, gx, row, at);
  }
}

// Any kernel size, stride and dilation, one pixel at a time.
template <int V>
void row_of_any(const Geometry& g, Image<const float> in, Weights w, Image<float> out, int64_t row,
                int64_t x, int64_t pixels, bool forward) {
  const int64_t K = g.kernel_size;
  for (; x < pixels; ++x) {
    Vec sum[V];
    for (auto& lane : sum) lane = splat(0);
    for (int64_t u = 0; u < K; ++u) {
      int64_t y = forward ? row * g.stride + u * g.dilation - g.pad : row + g.pad - u * g.dilation;
      if (!forward && (y < 0 || y % g.stride)) continue;
      if (!forward) y /= g.stride;
      if (y < 0 || y >= (forward ? g.height : g.out_height)) continue;
      for (int64_t v = 0; v < K; ++v) {
        int64_t c = forward ? x * g.stride + v * g.dilation - g.pad : x + g.pad - v * g.dilation;
        if (!forward && (c < 0 || c % g.stride)) continue;
        if (!forward) c /= g.stride;
        if (c < 0 || c >= (forward ? g.width : g.out_width)) continue;
        const Vec weight = splat(*(forward ? w(row, x, u * K + v) : w(y, c, u * K + v)));
        for (int i = 0; i < V; ++i) sum[i] += weight * load(in(y, c) + i * LANES);
      }
    }
    for (int i = 0; i < V; ++i) store(out(row, x) + i * LANES, sum[i]);
  }
}

template <int V, bool FORWARD, bool TAPS>
void row_of_vectors(const Geometry& g, Image<const float> in, Weights w, Image<float> out, int64_t row,
                    int64_t x, int64_t pixels) {
  if (g.dilation == 1 && g.pad == g.kernel_size / 2) {
    if (g.stride == 1) switch (g.kernel_size) {
        case 3: return row_of<3, 1, V, FORWARD, TAPS>(g, in, w, out, row, x, pixels);
        case 5: return row_of<5, 1, V, FORWARD, TAPS>(g, in, w, out, row, x, pixels);
        case 7: return row_of<7, 1, V, FORWARD, TAPS>(g, in, w, out, row, x, pixels);
        case 9: return row_of<9, 1, V, FORWARD, TAPS>(g, in, w, out, row, x, pixels);
      }
    if (FORWARD && g.stride == 2) switch (g.kernel_size) {
        case 3: return row_of<3, 2, V, true, TAPS>(g, in, w, out, row, x, pixels);
        case 5: return row_of<5, 2, V, true, TAPS>(g, in, w, out, row, x, pixels);
        case 7: return row_of<7, 2, V, true, TAPS>(g, in, w, out, row, x, pixels);
        case 9: return row_of<9, 2, V, true, TAPS>(g, in, w, out, row, x, pixels);
      }
    if (!FORWARD && g.stride == 2) switch (g.kernel_size) {
        case 3: return second_row_of<3, V, TAPS>(g, in, w, out, row, x, pixels);
        case 5: return second_row_of<5, V, TAPS>(g, in, w, out, row, x, pixels);
        case 7: return second_row_of<7, V, TAPS>(g, in, w, out, row, x, pixels);
        case 9: return second_row_of<9, V, TAPS>(g, in, w, out, row, x, pixels);
      }
  }
  row_of_any<V>(g, in, w, out, row, x, pixels, FORWARD);
}

// Pixels `x` to `pixels` of one row of y (FORWARD) or of gx, `channels` (a multiple of LANES) of one group.
template <bool FORWARD>
void sum_row(const Geometry& g, Image<const float> in, Weights w, Image<float> out, int64_t row, int64_t x,
             int64_t pixels, int64_t channels) {
  int64_t c = 0;
  auto from = [&c](auto image) {
    image.at += c;
    return image;
  };
  const bool taps = w.tap == 1;
  for (; c < channels; c += 2 * LANES) {
    const bool two = c + 2 * LANES <= channels;
    const auto sum = two ? (taps ? row_of_vectors<2, FORWARD, true> : row_of_vectors<2, FORWARD, false>)
                         : (taps ? row_of_vectors<1, FORWARD, true> : row_of_vectors<1, FORWARD, false>);
    sum(g, from(in), w, from(out), row, x, pixels);
  }
}

// A tile with the channels outermost and zeros around its rows (gather_rows); `first` is its first row.
struct Rows {
  const float* at;
  int64_t rows, width, first;
};

// Taps of one row of the kernel are neighbours in a row of x: P pixels of gw with every channel's gy in turn, ROWS rows
// of the kernel at once, K taps in whole vectors. The lanes beyond K are overwritten by the next row;
// where they would be beyond the pixel they are not written.
template <int K, int S, int P>
inline void taps_of(const Geometry& g, const Rows& x, Image<const float> gy, Image<float> gw, int64_t row,
                    int64_t column, int64_t channels) {
  constexpr int VECTORS = (K + LANES - 1) / LANES, ROWS = std::max<int>(1, std::min<int>(K, 14 / (VECTORS * P)));
  constexpr int LAST = K - (VECTORS - 1) * LANES;
  const int64_t top = row * S - g.pad, plane = x.rows * x.width;
  for (int from = 0; from < K; from += ROWS) {
    Vec sum[P][ROWS][VECTORS];
    for (auto& pixel : sum)
      for (auto& line : pixel)
        for (auto& lane : line) lane = splat(0);
    const int rows = std::min(ROWS, K - from);
    const bool all = rows == ROWS && top + from >= 0 && top + from + ROWS <= g.height;
    const float* base = x.at + (top + from - x.first) * x.width + column * S;
    for (int64_t c = 0; c < channels; ++c, base += plane) {
      Vec grad[P];
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) grad[p] = splat(gy(row, column + p)[c]);
#pragma GCC unroll 16
      for (int u = 0; u < ROWS; ++u) {
        if (!all && (u >= rows || top + from + u < 0 || top + from + u >= g.height)) continue;
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p)
#pragma GCC unroll 2
          for (int v = 0; v < VECTORS; ++v) sum[p][u][v] += grad[p] * load(base + u * x.width + p * S + v * LANES);
      }
    }
    for (int p = 0; p < P; ++p)
      for (int u = 0; u < rows; ++u) {
        float* out = gw(row, column + p) + (from + u) * K;
        for (int v = 0; v + 1 < VECTORS; ++v) store(out + v * LANES, sum[p][u][v]);
        if ((from + u) * K + VECTORS * LANES <= K * K)
          store(out + (VECTORS - 1) * LANES, sum[p][u][VECTORS - 1]);
        else
          std::memcpy(out + (VECTORS - 1) * LANES, &sum[p][u][VECTORS - 1], LAST * sizeof(float));
      }
  }
}

template <int K, int S>
void weight_row_of(const Geometry& g, const Rows& x, Image<const float> gy, Image<float> gw, int64_t row,
                   int64_t channels) {
  int64_t column = 0;
  for (; column + 2 <= g.out_width; column += 2) taps_of<K, S, 2>(g, x, gy, gw, row, column, channels);
  if (column < g.out_width) taps_of<K, S, 1>(g, x, gy, gw, row, column, channels);
}

using WeightRow = void (*)(const Geometry&, const Rows&, Image<const float>, Image<float>, int64_t, int64_t);

// The code for a kernel size and stride, none for those that have none of their own.
inline WeightRow weight_row_for(const Geometry& g) {
  if (g.dilation != 1 || g.stride > 2) return nullptr;
  const bool one = g.stride == 1;
  switch (g.kernel_size) {
    case 3: return one ? weight_row_of<3, 1> : weight_row_of<3, 2>;
    case 5: return one ? weight_row_of<5, 1> : weight_row_of<5, 2>;
    case 7: return one ? weight_row_of<7, 1> : weight_row_of<7, 2>;
    case 9: return one ? weight_row_of<9, 1> : weight_row_of<9, 2>;
    case 11: return one ? weight_row_of<11, 1> : weight_row_of<11, 2>;
  }
  return nullptr;
}

// One row of gw of any kernel size, stride and dilation; x with contiguous channels, padded to whole vectors.
inline void weight_row_any(const Geometry& g, Image<const float> x, Image<const float> gy, Image<float> gw,
                           int64_t row, int64_t channels) {
  const int64_t K = g.kernel_size;
  for (int64_t column = 0; column < g.out_width; ++column) {
    const float* grad = gy(row, column);
    float* out = gw(row, column);
    for (int64_t u = 0; u < K; ++u)
      for (int64_t v = 0; v < K; ++v) {
        const int64_t y = row * g.stride + u * g.dilation - g.pad, c = column * g.stride + v * g.dilation - g.pad;
        Vec sum = splat(0);
        if (y >= 0 && y < g.height && c >= 0 && c < g.width)
          for (int64_t k = 0; k < channels; k += LANES) sum += load(x(y, c) + k) * load(grad + k);
        float total = 0;
        for (int64_t i = 0; i < LANES; ++i) total += sum[i];
        out[u * K + v] = total;
      }
  }
}

}  // namespace invobench
