import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findOnPath, javaHomes, parseJavaVersion } from './java.ts';

const versions: [output: string, version: number | undefined][] = [
  ['openjdk version "21.0.2" 2024-01-16', 21],
  ['openjdk version "25" 2025-09-16', 25],
  ['java version "1.8.0_402"', 8],
  ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17],
  ['openjdk version "26-ea" 2026-03-17', 26],
  ['The operation couldn’t be completed. Unable to locate a Java Runtime.', undefined],
  ['', undefined],
];
for (const [output, version] of versions) {
  test(`the Java version in "${output.split('\n')[0]}" is ${version}`, () => {
    assert.equal(parseJavaVersion(output), version);
  });
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-java-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function program(...path: string[]): string {
  const file = join(folder, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  return file;
}

test('JAVA_HOME comes before the PATH, and homes without a java are left out', () => {
  program('one', 'bin', 'java');
  program('two', 'bin', 'java');
  const env = {
    JAVA_HOME: join(folder, 'two'),
    PATH: `${join(folder, 'none')}:${join(folder, 'one', 'bin')}`,
  };
  assert.deepEqual(javaHomes(env).slice(0, 2), [join(folder, 'two'), join(folder, 'one')]);
  assert.equal(
    javaHomes({ JAVA_HOME: join(folder, 'gone'), PATH: '' }).includes(join(folder, 'gone')),
    false,
  );
});

test('the first executable on the PATH is found, and a plain file is none', () => {
  const mvn = program('tools', 'mvn');
  mkdirSync(join(folder, 'plain'));
  writeFileSync(join(folder, 'plain', 'mvn'), '');
  assert.equal(findOnPath('mvn', { PATH: `${join(folder, 'plain')}:${join(folder, 'tools')}` }), mvn);
  assert.equal(findOnPath('mvn', {}), undefined);
});
