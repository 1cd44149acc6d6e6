// Arithmetic on as many floats at once as the processor holds in a register.
#pragma once

#include <bit>
#include <cstdint>

namespace policynet {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#elif defined(__AVX__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif
using Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float)), may_alias)) = float;
using Integers __attribute__((vector_size(kLanes * sizeof(std::int32_t)))) = std::int32_t;

// Not by memcpy: GCC 12 makes two halves and a detour over the stack of it where a vector has 32 bytes.
inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
inline void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }

/// e^x to a few units in the last place: 2^n times a Taylor polynomial of the rest, |rest| <= ln(2) / 2.
inline Vector exponential(Vector x) {
  constexpr float kLimit = 87.0f;
  const Vector high = Vector{} + kLimit, low = Vector{} - kLimit;
  x = x > high ? high : x;
  x = x < low ? low : x;
  const Vector scaled = x * 1.44269504088896341f;
  const Vector half = scaled < Vector{} ? Vector{} - 0.5f : Vector{} + 0.5f;
  const Integers n = __builtin_convertvector(scaled + half, Integers);
  const Vector whole = __builtin_convertvector(n, Vector);
  const Vector rest = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  Vector sum = Vector{} + 1.0f / 5040;
  for (const float c : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) sum = sum * rest + c;
  return sum * std::bit_cast<Vector>((n + 127) << 23);
}

inline Vector sigmoid(Vector x) { return 1.0f / (1.0f + exponential(-x)); }
inline Vector silu(Vector x) { return x / (1.0f + exponential(-x)); }

}  // namespace policynet
