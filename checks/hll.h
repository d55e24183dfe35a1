/*
 * HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) with linear counting for small numbers: how many distinct things,
 * in n bytes, with a standard error of 1.04 / sqrt(n). n is a power of two from 16 to 256.
 */
#ifndef WEIR_HLL_H
#define WEIR_HLL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* hash: 64 well-mixed bits of the thing. */
static inline void hll_add(uint8_t *reg, unsigned n, uint64_t hash)
{
	unsigned i = (unsigned)(hash % n);
	uint64_t rest = hash / n;
	uint8_t rank = (uint8_t)(rest ? __builtin_ctzll(rest) + 1 : 64);
	if (rank > reg[i])
		reg[i] = rank;
}

static inline double hll_count(const uint8_t *reg, unsigned n)
{
	double alpha = n == 16 ? 0.673 : n == 32 ? 0.697 : n == 64 ? 0.709 : 0.7213 / (1 + 1.079 / n);
	/* Of 2 to the power of -reg, in units of 2^-52: what is smaller does not count in a double either. */
	uint64_t sum = 0;
	unsigned zero = 0;
	for (unsigned i = 0; i < n; i++) {
		uint64_t eight;
		if (i % 8 == 0 && (memcpy(&eight, reg + i, sizeof eight), !eight)) { /* as most are of most hosts */
			sum += 8ull << 52;
			zero += 8;
			i += 7;
			continue;
		}
		sum += (1ull << 52) >> (reg[i] < 63 ? reg[i] : 63);
		zero += reg[i] == 0;
	}
	double e = alpha * n * n / ldexp((double)sum, -52);
	return e <= 2.5 * n && zero ? n * log((double)n / zero) : e;
}

#endif
