// The percentile of a window's numbers: nearest rank on the exact multiset, above a cap from bins that only add up.

/** A window of more numbers than this is judged by bins. */
export const EXACT_NUMBERS = 10_000;

/** Bins hold a number to within this share of itself. */
export const RELATIVE_ERROR = 0.005;

const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);

/** The bin of a number: its sign and the power of GAMMA above its size; 0 stands alone (DDSketch, Masson et al. 2019, section 2). */
function binOf(value: number): number {
  if (value === 0) return 0;
  // Shifted so that no bin of a double is 0: ln(2^-1074) / ln(GAMMA) is above −75,000.
  const bin = Math.ceil(Math.log(Math.abs(value)) / LOG_GAMMA) + 100_000;
  return value > 0 ? bin : -bin;
}

/** The number that stands for a bin: off by at most RELATIVE_ERROR of itself. */
function valueOf(bin: number): number {
  if (bin === 0) return 0;
  const size = (2 * GAMMA ** (Math.abs(bin) - 100_000)) / (GAMMA + 1);
  return bin > 0 ? size : -size;
}

/**
 * Nearest rank (the least number such that at least `percentile` % of all are not above it; NIST handbook 7.2.6.2,
 * rank ceil(p n)). Undefined for none. A function of the multiset alone, also above the cap.
 */
export function percentileOf(numbers: readonly number[], percentile: number): number | undefined {
  const { length } = numbers;
  if (length === 0) return undefined;
  const rank = Math.max(1, Math.ceil((percentile / 100) * length));
  if (length <= EXACT_NUMBERS) return Float64Array.from(numbers).sort()[rank - 1];
  const bins = new Map<number, number>();
  for (const number of numbers) {
    const bin = binOf(number);
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  let below = 0;
  for (const bin of [...bins.keys()].sort((a, b) => a - b)) {
    below += bins.get(bin) as number;
    if (below >= rank) return valueOf(bin);
  }
  return undefined;
}
