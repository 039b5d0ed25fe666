import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readCompose, readEnvFile, variablesOf } from './testing/compose-file.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The indented lines below a heading of docs/compose.md. */
function commandsUnder(heading: string): string {
  const text = readFileSync(join(root, 'docs/compose.md'), 'utf8');
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('    '))
    .map((line) => line.slice(4))
    .join('\n');
}

test('the command of docs/compose.md pins every image that is used', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-pin-'));
  t.after(() => rmSync(folder, { recursive: true }));
  copyFileSync(join(root, '.env.example'), join(folder, '.env.example'));
  copyFileSync(join(root, '.env.example'), join(folder, '.env'));
  // Answers as the real one does: a digest for an image that is named in full.
  const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
  const wanted = 'buildx imagetools inspect --format {{json .Manifest.Digest}}';
  const docker = `#!/bin/sh\n[ "$1 $2 $3 $5 $6" = "${wanted}" ] && echo '"${digest}"'\n`;
  writeFileSync(join(folder, 'docker'), docker, { mode: 0o755 });
  const { status, stderr } = spawnSync('sh', ['-c', commandsUnder('Pin images by digest')], {
    cwd: folder,
    env: { PATH: `${folder}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const compose = readCompose(root, readEnvFile(join(folder, '.env')));
  const foreign = Object.values(compose.services)
    .map(({ image }) => image)
    .filter((image) => !image.startsWith('localhost/millrace/'));
  const bases = Object.values(compose.services.agent?.build?.args ?? {});
  for (const image of [...foreign, ...bases]) assert.ok(image.endsWith(`@${digest}`), image);
  assert.equal([...variablesOf(root).keys()].filter((name) => name.endsWith('_IMAGE')).length, 7);
});

test('docs/compose.md names the services, volumes, variables and images that there are', () => {
  const text = readFileSync(join(root, 'docs/compose.md'), 'utf8');
  const example = readEnvFile(join(root, '.env.example'));
  const compose = readCompose(root, example);
  for (const volume of Object.keys(compose.volumes))
    assert.ok(text.includes(`\`${volume.replace(/^opensearch-\d/, 'opensearch-N')}\``), volume);
  for (const name of [...variablesOf(root).keys()].filter((variable) => variable.startsWith('MILLRACE_')))
    assert.ok(text.includes(`\`${name}\``), name);
  const images = new Set(Object.values(compose.services).map(({ image }) => image));
  for (const [image] of text.matchAll(/localhost\/millrace\/[a-z-]+:[\d.]+\d/g))
    assert.ok(images.has(image), image);
  for (const [, service = ''] of text.matchAll(/docker compose (?:exec|run --rm) ([a-z-]+)/g))
    assert.ok(service in compose.services, service);
});

test('the limits in docs/compose.md are the sums of docker-compose.yml', () => {
  const text = readFileSync(join(root, 'docs/compose.md'), 'utf8');
  const example = readEnvFile(join(root, '.env.example'));
  const { services } = readCompose(root, example);
  const gigabytes = (store: string) => {
    const running = Object.values(services).filter(
      ({ profiles, restart }) =>
        restart === 'unless-stopped' &&
        (profiles === undefined || profiles.some((profile) => [store, 'stand-ins'].includes(profile))),
    );
    const bytes = running.reduce(
      (sum, { deploy }) => sum + megabytes(deploy?.resources?.limits?.memory ?? ''),
      0,
    );
    return (bytes / 1024).toFixed(1);
  };
  assert.match(text.replaceAll('\n', ' '), new RegExp(`are ${gigabytes('opensearch')} GB, with three`));
  assert.match(text.replaceAll('\n', ' '), new RegExp(`nodes ${gigabytes('opensearch-cluster')} GB`));
});

function megabytes(limit: string): number {
  const [, value, unit] = /^(\d+)([mg])$/.exec(limit) ?? [];
  return Number(value) * (unit === 'g' ? 1024 : 1);
}
