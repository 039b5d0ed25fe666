import { modelRun } from './model-run.ts';

/** `node model-runs.ts FROM TO`: runs these seeds and prints those that fail; exit code 1 when any does. */
const [from = 0, to = 0] = process.argv.slice(2).map(Number);
for (let seed = from; seed < to; seed++) {
  const wrong = await modelRun(seed);
  if (wrong === undefined) continue;
  process.stdout.write(`seed ${seed}: ${wrong}\n`);
  process.exitCode = 1;
}
