// The form of a check as the catalogue lists it.

export type Severity = 'error' | 'warning' | 'info';

export interface LintCheck {
  readonly severity: Severity;
  readonly says: string;
  /** What `--fix` does about it. */
  readonly fix?: string;
  /** Validators of pySigma (sigma-cli) that check the same. */
  readonly pysigma?: string;
  /** Lints of rsigma that check the same. */
  readonly rsigma?: string;
}
