// Adds doubles without rounding, so that a sum does not depend on the order of what was added or taken away.

/** 2^-1074 is the least double: every finite double is a whole number of these. */
const UNIT_BITS = 1074n;
const BYTES = new DataView(new ArrayBuffer(8));

/** A finite double as a whole number of 2^-1074 (IEEE 754-2019, 3.4, binary64). */
function toUnits(value: number): bigint {
  BYTES.setFloat64(0, value);
  const bits = BYTES.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const magnitude = exponent === 0 ? fraction : (fraction | 0x10_0000_0000_0000n) << BigInt(exponent - 1);
  return value < 0 ? -magnitude : magnitude;
}

/** A running sum; what lies within whole numbers below 2^53 never leaves ordinary arithmetic. */
export class ExactSum {
  #whole = 0;
  #units = 0n;

  add(value: number): void {
    const next = this.#whole + value;
    if (Number.isSafeInteger(value) && Number.isSafeInteger(next)) this.#whole = next;
    else this.#units += toUnits(value);
  }

  remove(value: number): void {
    this.add(-value);
  }

  /** The sign of sum − factor × bound, exactly; `factor` is a whole number. */
  compare(bound: number, factor = 1): number {
    if (this.#units === 0n && Number.isSafeInteger(bound) && Number.isSafeInteger(bound * factor))
      return Math.sign(this.#whole - bound * factor);
    const difference = this.#units + (BigInt(this.#whole) << UNIT_BITS) - toUnits(bound) * BigInt(factor);
    return difference > 0n ? 1 : difference < 0n ? -1 : 0;
  }
}
