import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

const file = new URL('../RESULTS.md', import.meta.url);

/** Replaces (or adds) one section of bench/RESULTS.md and prints it. */
export function report(section: string, lines: string[]): void {
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, Linux ${release()}, Node ${process.version}`;
  const body = [`## ${section}`, '', `${date}, ${machine}`, '', ...lines, ''].join('\n');
  process.stdout.write(`${body}\n`);
  const text = existsSync(file)
    ? readFileSync(file, 'utf8')
    : '# Results\n\nMade by `./millrace bench`; see README.md.\n\n';
  const start = text.indexOf(`## ${section}\n`);
  const next = start < 0 ? -1 : text.indexOf('\n## ', start + 1);
  const head = start < 0 ? text : text.slice(0, start);
  const tail = next < 0 ? '' : text.slice(next + 1);
  writeFileSync(file, `${head.trimEnd()}\n\n${body}${tail === '' ? '' : `\n${tail}`}`);
}

export function table(header: string[], rows: (string | number)[][]): string[] {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)];
}
