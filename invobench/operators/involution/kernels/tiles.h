// Vectors of eight floats, and the copies that bring any layout and type into tiles of them.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace invobench {

constexpr int64_t LANES = 8;
typedef float Vec __attribute__((vector_size(LANES * sizeof(float))));

inline Vec load(const float* from) {
  Vec value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store(float* to, Vec value) { std::memcpy(to, &value, sizeof value); }

inline Vec splat(float value) { return Vec{value, value, value, value, value, value, value, value}; }

// Rows become columns: lane j of value i is then lane i of value j.
inline void transpose(Vec (&v)[LANES]) {
#if defined(__AVX2__)
  __m256 a[LANES], b[LANES];
  for (int i = 0; i < 4; ++i) {
    a[2 * i] = _mm256_unpacklo_ps((__m256)v[2 * i], (__m256)v[2 * i + 1]);
    a[2 * i + 1] = _mm256_unpackhi_ps((__m256)v[2 * i], (__m256)v[2 * i + 1]);
  }
  for (int i = 0; i < 2; ++i) {
    b[4 * i] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
    b[4 * i + 1] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0xEE);
    b[4 * i + 2] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
    b[4 * i + 3] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) {
    v[i] = (Vec)_mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
    v[i + 4] = (Vec)_mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
  }
#else
  for (int i = 0; i < LANES; ++i)
    for (int j = 0; j < i; ++j) {
      const float kept = v[i][j];
      v[i][j] = v[j][i];
      v[j][i] = kept;
    }
#endif
}

// Eight numbers of type T as floats, and back (to nearest, ties to even).
template <typename T>
inline Vec widen(const T* from);

template <>
inline Vec widen(const float* from) {
  return load(from);
}

template <>
inline Vec widen(const c10::BFloat16* from) {
  typedef uint16_t Half __attribute__((vector_size(LANES * sizeof(uint16_t))));
  typedef uint32_t Word __attribute__((vector_size(LANES * sizeof(uint32_t))));
  Half bits;
  std::memcpy(&bits, from, sizeof bits);
  return (Vec)(__builtin_convertvector(bits, Word) << 16);
}

template <>
inline Vec widen(const c10::Half* from) {
  Vec value;
  for (int i = 0; i < LANES; ++i) value[i] = static_cast<float>(from[i]);
  return value;
}

template <typename T>
inline void narrow(T* to, Vec value) {
  for (int i = 0; i < LANES; ++i) to[i] = static_cast<T>(value[i]);
}

template <>
inline void narrow(float* to, Vec value) {
  store(to, value);
}


// How an array of pixels with channels lies in memory: strides in elements.
struct Layout {
  int64_t channel, pixel;
};

// `channels` of `pixels` from any layout into a tile whose channels are contiguous; those up to `width` become 0.
template <typename T>
void gather(const T* from, Layout at, int64_t channels, int64_t pixels, float* tile, int64_t width) {
  const int64_t whole = channels / LANES * LANES;
  if (at.channel == 1) {
    for (int64_t p = 0; p < pixels; ++p) {
      const T* source = from + p * at.pixel;
      float* to = tile + p * width;
      for (int64_t c = 0; c < whole; c += LANES) store(to + c, widen(source + c));
      for (int64_t c = whole; c < channels; ++c) to[c] = static_cast<float>(source[c]);
      for (int64_t c = channels; c < width; ++c) to[c] = 0;
    }
    return;
  }
  for (int64_t c = 0; c < width; c += LANES) {
    const int64_t here = c < channels ? (channels - c < LANES ? channels - c : LANES) : 0;
    const int64_t room = width - c < LANES ? width - c : LANES;
    int64_t p = 0;
    for (; at.pixel == 1 && room == LANES && p + LANES <= pixels; p += LANES) {
      Vec block[LANES];
      for (int64_t i = 0; i < LANES; ++i)
        block[i] = i < here ? widen(from + (c + i) * at.channel + p) : splat(0);
      transpose(block);
      for (int64_t i = 0; i < LANES; ++i) store(tile + (p + i) * width + c, block[i]);
    }
    for (; p < pixels; ++p)
      for (int64_t i = 0; i < room; ++i)
        tile[p * width + c + i] = i < here ? static_cast<float>(from[(c + i) * at.channel + p * at.pixel]) : 0;
  }
}

// Rows of an image with the channels outermost and `border` zeros to the left: [channels][rows][width]. What lies right
// of the image is 0 too.
template <typename T>
void gather_rows(const T* from, Layout at, int64_t channels, int64_t rows, int64_t columns, float* tile, int64_t width,
                 int64_t border) {
  std::memset(tile, 0, sizeof(float) * channels * rows * width);
  for (int64_t r = 0; r < rows; ++r, from += columns * at.pixel)
    for (int64_t c = 0; c < channels; c += LANES) {
      const int64_t here = channels - c < LANES ? channels - c : LANES;
      float* to = tile + (c * rows + r) * width + border;
      int64_t x = 0;
      for (; x + LANES <= columns && (at.pixel == 1 || (at.channel == 1 && here == LANES)); x += LANES) {
        Vec block[LANES];
        if (at.pixel == 1) {
          for (int64_t i = 0; i < here; ++i) block[i] = widen(from + (c + i) * at.channel + x);
        } else {
          for (int64_t i = 0; i < LANES; ++i) block[i] = widen(from + (x + i) * at.pixel + c);
          transpose(block);
        }
        for (int64_t i = 0; i < here; ++i) store(to + i * rows * width + x, block[i]);
      }
      for (; x < columns; ++x)
        for (int64_t i = 0; i < here; ++i)
          to[i * rows * width + x] = static_cast<float>(from[(c + i) * at.channel + x * at.pixel]);
    }
}

// The way back: `channels` of a tile into any layout.
template <typename T>
void scatter(const float* tile, int64_t width, int64_t channels, int64_t pixels, T* to, Layout at) {
  const int64_t whole = channels / LANES * LANES;
  if (at.channel == 1) {
    for (int64_t p = 0; p < pixels; ++p) {
      const float* source = tile + p * width;
      T* target = to + p * at.pixel;
      for (int64_t c = 0; c < whole; c += LANES) narrow(target + c, load(source + c));
      for (int64_t c = whole; c < channels; ++c) target[c] = static_cast<T>(source[c]);
    }
    return;
  }
  for (int64_t c = 0; c < channels; c += LANES) {
    const int64_t here = channels - c < LANES ? channels - c : LANES;
    const bool room = c + LANES <= width;
    int64_t p = 0;
    for (; at.pixel == 1 && room && p + LANES <= pixels; p += LANES) {
      Vec block[LANES];
      for (int64_t i = 0; i < LANES; ++i) block[i] = load(tile + (p + i) * width + c);
      transpose(block);
      for (int64_t i = 0; i < here; ++i) narrow(to + (c + i) * at.channel + p, block[i]);
    }
    for (; p < pixels; ++p)
      for (int64_t i = 0; i < here; ++i)
        to[(c + i) * at.channel + p * at.pixel] = static_cast<T>(tile[p * width + c + i]);
  }
}

}  // namespace invobench
