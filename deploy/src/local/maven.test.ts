import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type ErrorCode, isMillraceError } from '@millrace/core/errors.ts';
import { mavenArtifact } from './maven.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-maven-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A Maven that prints something and exits. */
function fakeMaven(name: string, output: string, code: number) {
  const bin = join(folder, name);
  writeFileSync(bin, `#!/bin/sh\ncat <<'END'\n${output}\nEND\nexit ${code}\n`);
  chmodSync(bin, 0o755);
  return { bin, javaHome: '/java', env: process.env };
}

const failures: [what: string, output: string, exit: number, code: ErrorCode, says: RegExp][] = [
  [
    'no network',
    '[ERROR] Failed to execute goal: Could not transfer artifact a:b:1 from/to central (https://r/): transfer failed for https://r/a.pom: Unknown host -> [Help 1]\n[ERROR] \n[ERROR] more',
    1,
    'FETCH_FAILED',
    /Could not transfer artifact a:b:1: Unknown host$/,
  ],
  ['a full disk', '[ERROR] write failed: No space left on device', 1, 'DISK_FULL', /no room left/],
  [
    'a damaged download that Maven only warns about',
    '[WARNING] Could not validate integrity of download from https://r/a/b-1.jar: Checksum validation failed, expected 12 but is 34',
    0,
    'FETCH_FAILED',
    /b-1\.jar arrived with a wrong checksum/,
  ],
  ['silence', '', 1, 'FETCH_FAILED', /stopped without a message/],
];
for (const [index, [what, output, exit, code, says]] of failures.entries()) {
  test(`${what} becomes ${code} with a cure`, async () => {
    const maven = fakeMaven(`mvn-${index}`, output, exit);
    await assert.rejects(
      mavenArtifact(maven, 'copy', 'a:b:1', folder, () => undefined),
      (error) => isMillraceError(error, code) && says.test(error.message) && error.hint !== undefined,
    );
  });
}

test('a repository without checksum files is taken, and progress is told', async () => {
  const output =
    'Progress (1): 4.1/31 MB\rProgress (1): 31 MB\n[WARNING] Could not validate integrity of download from https://r/a.jar: Checksum validation failed, no checksums available';
  const told: string[] = [];
  await mavenArtifact(fakeMaven('mvn-ok', output, 0), 'copy', 'a:b:1', folder, (text) => told.push(text));
  assert.deepEqual(told, ['31 MB']);
});

test('a Maven that is not there is ENGINE_MISSING', async () => {
  const maven = { bin: join(folder, 'none'), javaHome: '/java', env: process.env };
  await assert.rejects(
    mavenArtifact(maven, 'copy', 'a:b:1', folder, () => undefined),
    (error) => isMillraceError(error, 'ENGINE_MISSING'),
  );
});
