// The mark: a fence of two pickets.
import classes from './shell.module.css';

export function Brand() {
  return (
    <span className={classes['brand']} translate="no">
      <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="#0f766e" />
        <path
          d="M8 25V11l3-4 3 4v14M18 25V11l3-4 3 4v14M6 15h20M6 20h20"
          fill="none"
          stroke="#fff"
          strokeWidth="2.2"
          strokeLinejoin="round"
          strokeLinecap="round"
        />
      </svg>
      Picket
    </span>
  );
}
