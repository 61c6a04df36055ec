// How many packets stand behind one that was counted: the sampling elements of NetFlow and IPFIX (RFC 5477).
import { numberAt } from './information-elements.ts';

/** Above this a rate is taken for a broken field. */
const HIGHEST_RATE = 10_000_000;

/**
 * N of "1 in N" that the values state, or undefined. Elements 34 and 50 (interval), 305 and 306 (packets
 * taken and left out), 309 and 310 (n out of N), 311 (probability).
 */
export function readRate(values: ReadonlyMap<number, number | string>): number | undefined {
  const interval = numberAt(values, 34) ?? numberAt(values, 50);
  if (interval !== undefined && interval > 0) return checked(interval);
  const taken = numberAt(values, 305);
  const left = numberAt(values, 306);
  // Some exporters put the whole period into 305 and send no 306.
  if (taken !== undefined && taken > 0) return checked(left === undefined ? taken : (taken + left) / taken);
  const size = numberAt(values, 309);
  const population = numberAt(values, 310);
  if (size !== undefined && size > 0 && population !== undefined) return checked(population / size);
  const probability = numberAt(values, 311);
  return probability !== undefined && probability > 0 ? checked(1 / probability) : undefined;
}

function checked(rate: number): number | undefined {
  return rate >= 1 && rate <= HIGHEST_RATE ? rate : undefined;
}
