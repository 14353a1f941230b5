// Small matrix products over panels of pixels, which stay in a core's cache: out[r, p] = bias[r] + Σ_k a[r, k] b[k, p].
#pragma once

#include "tiles.h"

#include <algorithm>

namespace invobench {

// Pixels that lie side by side in a panel; a panel is [rows][PANEL].
constexpr int64_t PANEL = 2 * LANES;

// ROWS rows of one panel. `b` is [depth][PANEL], `a` [ROWS][depth].
template <int ROWS>
inline void product_rows(const float* a, int64_t depth, const float* b, const float* bias, float* out,
                         int64_t out_row) {
  Vec sum[ROWS][2];
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r) sum[r][0] = sum[r][1] = splat(bias ? bias[r] : 0.0f);
  for (int64_t k = 0; k < depth; ++k) {
    const Vec left = load(b + k * PANEL), right = load(b + k * PANEL + LANES);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
      const Vec value = splat(a[r * depth + k]);
      sum[r][0] += value * left;
      sum[r][1] += value * right;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r) {
    store(out + r * out_row, sum[r][0]);
    store(out + r * out_row + LANES, sum[r][1]);
  }
}

// All rows of `panels` panels: b is [panels][depth][PANEL], out rows are `out_row` apart and panels PANEL.
inline void product(const float* a, int64_t rows, int64_t depth, const float* b, int64_t panels, const float* bias,
                    float* out, int64_t out_row, int64_t out_panel) {
  constexpr int64_t BLOCK = 6;
  for (int64_t r = 0; r < rows; r += BLOCK) {
    const float* at = a + r * depth;
    const float* plus = bias ? bias + r : nullptr;
    for (int64_t p = 0; p < panels; ++p) {
      const float* from = b + p * depth * PANEL;
      float* to = out + r * out_row + p * out_panel;
      switch (std::min(BLOCK, rows - r)) {
        case 6: product_rows<6>(at, depth, from, plus, to, out_row); break;
        case 5: product_rows<5>(at, depth, from, plus, to, out_row); break;
        case 4: product_rows<4>(at, depth, from, plus, to, out_row); break;
        case 3: product_rows<3>(at, depth, from, plus, to, out_row); break;
        case 2: product_rows<2>(at, depth, from, plus, to, out_row); break;
        default: product_rows<1>(at, depth, from, plus, to, out_row);
      }
    }
  }
}

// Pixels of an image as panels [panels][channels][PANEL]; pixels beyond the last are 0.
template <typename T>
void panels_of(const T* from, Layout at, int64_t channels, int64_t pixels, float* to) {
  for (int64_t first = 0; first < pixels; first += PANEL, to += channels * PANEL) {
    const int64_t here = std::min(PANEL, pixels - first);
    const T* source = from + first * at.pixel;
    if (at.pixel == 1 && here == PANEL) {
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t p = 0; p < PANEL; p += LANES) store(to + c * PANEL + p, widen(source + c * at.channel + p));
      continue;
    }
    int64_t c = 0;
    for (; at.channel == 1 && c + LANES <= channels; c += LANES)
      for (int64_t p = 0; p < PANEL; p += LANES) {
        Vec block[LANES];
        for (int64_t i = 0; i < LANES; ++i)
          block[i] = p + i < here ? widen(source + (p + i) * at.pixel + c) : splat(0);
        transpose(block);
        for (int64_t i = 0; i < LANES; ++i) store(to + (c + i) * PANEL + p, block[i]);
      }
    for (; c < channels; ++c)
      for (int64_t p = 0; p < PANEL; ++p)
        to[c * PANEL + p] = p < here ? static_cast<float>(source[c * at.channel + p * at.pixel]) : 0;
  }
}

}  // namespace invobench
