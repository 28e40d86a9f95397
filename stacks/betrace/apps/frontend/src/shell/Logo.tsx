/** A trace: three spans, one after the other. */
export function Logo() {
  return (
    <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden>
      <rect width="32" height="32" rx="7" fill="#0f766e" />
      <g fill="#fff">
        <rect x="5" y="7" width="22" height="4" rx="2" />
        <rect x="9" y="14" width="12" height="4" rx="2" opacity=".8" />
        <rect x="15" y="21" width="12" height="4" rx="2" opacity=".6" />
      </g>
    </svg>
  );
}
