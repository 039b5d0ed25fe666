import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { manPage } from './man-page.ts';
import type { Arch } from './node-release.ts';
import { runTool } from './run-tool.ts';

export interface DebOptions {
  root: string;
  arch: Arch;
  version: string;
  /** The executable to pack. */
  executable: string;
  /** Texts for the folder of documents: file name to content. */
  licenses: Record<string, string>;
  date: Date;
  compression: 'xz' | 'none';
  env: NodeJS.ProcessEnv;
  /** Folder of the package. */
  out: string;
}

const debianArch: Record<Arch, string> = { x64: 'amd64', arm64: 'arm64' };
const maintainer = 'Millrace maintainers <maintainers@millrace.example>';

/**
 * Writes the agent's Debian package; resolves to its path.
 * @throws MillraceError ENGINE_MISSING without dpkg-deb
 */
export async function writeDeb(options: DebOptions): Promise<string> {
  const tree = await mkdtemp(join(tmpdir(), 'millrace-deb-'));
  const version = debianVersion(options.version);
  const path = join(options.out, `millrace-agent_${version}_${debianArch[options.arch]}.deb`);
  try {
    await chmod(tree, 0o755);
    await fill(tree, options, version);
    await control(tree, options, version);
    const epoch = String(Math.floor(options.date.getTime() / 1000));
    await runTool('dpkg-deb', ['--root-owner-group', `-Z${options.compression}`, '--build', tree, path], {
      env: { ...options.env, SOURCE_DATE_EPOCH: epoch },
      hint: 'apt-get install dpkg; the executable alone is written already',
    });
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
  return path;
}

/** Debian sorts `1.0~rc.1` before `1.0`, and reads what is behind a `-` as its own revision. */
function debianVersion(version: string): string {
  return version.replaceAll('-', '~');
}

async function fill(tree: string, options: DebOptions, version: string): Promise<void> {
  const { root, date } = options;
  const packaging = join(root, 'deploy', 'packaging', 'agent');
  const read = (name: string) => readFile(join(packaging, name), 'utf8');
  const parameters = await readFile(join(root, 'docs', 'config', 'agent.md'), 'utf8');
  const title = { version: options.version, date };
  const pages = {
    'man1/millrace-agent.1': manPage(await read('millrace-agent.1.md'), {
      ...title,
      name: 'millrace-agent',
      section: 1,
    }),
    'man5/millrace-agent.conf.5': manPage(parameters, {
      ...title,
      name: 'millrace-agent.conf',
      section: 5,
      summary: 'configuration of the Millrace agent',
    }),
  };
  const documents = { changelog: changelog(version, date), ...options.licenses };
  const usr = join(tree, 'usr');
  await put(join(usr, 'bin', 'millrace-agent'), options.executable, 0o755);
  for (const unit of ['millrace-agent.service', 'millrace-agent-lifecycle.service'])
    await write(join(tree, 'lib/systemd/system', unit), await read(unit));
  await write(join(tree, 'etc/millrace/agent.conf'), await read('agent.conf'));
  await write(join(usr, 'share/lintian/overrides/millrace-agent'), await read('lintian-overrides'));
  await write(join(usr, 'share/doc/millrace-agent/copyright'), await read('copyright'));
  for (const [name, text] of Object.entries(pages))
    await write(join(usr, 'share/man', `${name}.gz`), compressed(text));
  for (const [name, text] of Object.entries(documents)) {
    await write(join(usr, 'share/doc/millrace-agent', `${name}.gz`), compressed(text));
  }
}

async function control(tree: string, options: DebOptions, version: string): Promise<void> {
  const files = (await readdir(tree, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const sums: string[] = [];
  let bytes = 0;
  for (const file of files) {
    bytes += (await stat(file)).size;
    const name = relative(tree, file);
    if (!name.startsWith('etc/'))
      sums.push(
        `${createHash('md5')
          .update(await readFile(file))
          .digest('hex')}  ${name}\n`,
      );
  }
  const debian = join(tree, 'DEBIAN');
  await write(join(debian, 'md5sums'), sums.join(''));
  await write(join(debian, 'conffiles'), '/etc/millrace/agent.conf\n');
  await write(join(debian, 'control'), controlText(options, version, Math.ceil(bytes / 1024)));
  for (const script of ['postinst', 'prerm', 'postrm']) {
    await put(join(debian, script), join(options.root, 'deploy/packaging/agent', script), 0o755);
  }
}

/** The libraries and their versions are those that Node's own builds ask for. */
function controlText(options: DebOptions, version: string, kib: number): string {
  return `Package: millrace-agent
Version: ${version}
Architecture: ${debianArch[options.arch]}
Maintainer: ${maintainer}
Installed-Size: ${kib}
Depends: adduser, libc6 (>= 2.28), libgcc-s1 (>= 3.4), libstdc++6 (>= 7), procps
Section: admin
Priority: optional
Description: log shipper that loses no line
 Follows log files through every rotation and ships their lines, compressed, to
 a Kinesis stream. What is not acknowledged yet waits on disk. It reads the
 configuration of fluentd.
`;
}

function changelog(version: string, date: Date): string {
  const day = date.toUTCString().replace('GMT', '+0000');
  return `millrace-agent (${version}) stable; urgency=medium

  * See CHANGELOG.md of Millrace.

 -- ${maintainer}  ${day}
`;
}

function compressed(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}

async function write(path: string, content: string | Buffer): Promise<void> {
  await makeFolder(dirname(path));
  await writeFile(path, content);
  await chmod(path, 0o644);
}

async function put(path: string, from: string, mode: number): Promise<void> {
  await makeFolder(dirname(path));
  await copyFile(from, path);
  await chmod(path, mode);
}

/** Rights as the package is to have them, whatever the umask is. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  for (let folder = path; first !== undefined && folder.length >= first.length; folder = dirname(folder)) {
    await chmod(folder, 0o755);
  }
}
