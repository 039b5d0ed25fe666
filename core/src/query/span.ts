const widths = { s: 1_000, m: 60_000, h: 3_600_000 };

/** 90s, 10m or 2h in milliseconds; undefined for any other text. */
export function parseSpan(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,7})([smh])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * widths[unit as keyof typeof widths];
}
