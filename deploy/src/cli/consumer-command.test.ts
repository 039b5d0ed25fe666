import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { commandHelp } from './help.ts';
import { commands } from './registry.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const ofTheConsumer = ['ledger', 'replay', 'set-aside', 'retention', 'fill', 'corrections', 'archive'];

test('--help tells what the consumer tells of the command, and by which options a stack is chosen', () => {
  const help = execFileSync(process.execPath, [main, 'ledger', '--help'], { encoding: 'utf8' });
  assert.match(
    help,
    /^usage: ledger[\s\S]*--older-than TIME[\s\S]*\nWhich stack:\n {2}--data DIR .*\n {2}--config FILE .*\n$/,
  );
});

for (const name of ofTheConsumer) {
  test(`the page of ${name} names --data and --config`, () => {
    const command = commands.find((known) => known.name === name);
    assert.ok(command?.passOn);
    assert.match(commandHelp(command), /^ {2}--data DIR .*\n {2}--config FILE /m);
  });
}
