/** Whether a Millrace stream is taken: by name, or by a beginning when the pattern ends with `*`. */
export function streamFilter(patterns: string[]): (stream: string) => boolean {
  const names = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const beginnings = patterns
    .filter((pattern) => pattern.endsWith('*'))
    .map((pattern) => pattern.slice(0, -1));
  return (stream) => names.has(stream) || beginnings.some((beginning) => stream.startsWith(beginning));
}
