/** A number that stands for so many. */
export interface Weighted {
  value: number;
  weight: number;
}

/** Figures of at least one number; `numbers` is put in order. */
export function quantiles(numbers: Weighted[]): Record<'min' | 'max' | 'avg' | 'p50' | 'p95', number> {
  numbers.sort((a, b) => a.value - b.value);
  let weights = 0;
  let sum = 0;
  for (const { value, weight } of numbers) {
    weights += weight;
    sum += value * weight;
  }
  return {
    min: numbers[0]?.value ?? 0,
    max: numbers.at(-1)?.value ?? 0,
    avg: sum / weights,
    p50: quantile(numbers, weights * 0.5),
    p95: quantile(numbers, weights * 0.95),
  };
}

/** The first number by which so much of the weight is reached. */
function quantile(numbers: readonly Weighted[], reached: number): number {
  let sum = 0;
  for (const { value, weight } of numbers) {
    sum += weight;
    // Weights are fractions, and sums of fractions are a little off.
    if (sum >= reached * (1 - 1e-9)) return value;
  }
  return numbers.at(-1)?.value ?? 0;
}
