/* Loops over the registers of a tile, whose bounds are constants once all is inlined, must go
 * away, or the compiler keeps the tile in memory. */
#ifndef VF_KERNELS_UNROLL_H
#define VF_KERNELS_UNROLL_H

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#endif
