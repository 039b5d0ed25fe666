import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface ContainerPlace {
  /** An empty folder that becomes the container's root. */
  root: string;
  /** Folder with its /etc/hosts. */
  etc: string;
  binds: [from: string, to: string, readOnly: boolean][];
  tmpfs: string[][];
  readOnly: boolean;
  hostname: string;
  workdir: string;
  /** Arguments of setpriv, with `--` at the end. */
  rights: string[];
}

/**
 * A shell script that makes a container's file system in the mount namespace that it runs in, and becomes the command
 * that it gets as arguments. /usr is this machine's, but for /usr/local, where Node is, as in Node's images.
 */
export function containerScript(place: ContainerPlace): string {
  const at = (path: string) => quoted(join(place.root, path));
  const bind = (from: string, to: string) => `mount --rbind ${quoted(from)} ${at(to)}`;
  const lines = [
    'set -e',
    `mount -t tmpfs -o mode=0755 container ${quoted(place.root)}`,
    `mkdir -p ${['usr', 'etc', 'proc', 'dev', 'opt', 'var/lib'].map(at).join(' ')}`,
    bind('/usr', '/usr'),
    `mount -t tmpfs -o mode=0755 local ${at('/usr/local')}`,
    `mkdir ${at('/usr/local/bin')}`,
    `touch ${at('/usr/local/bin/node')}`,
    bind(process.execPath, '/usr/local/bin/node'),
    ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => systemFolder(name, at, bind)),
    bind('/proc', '/proc'),
    bind('/dev', '/dev'),
    ...etcFiles(place, at, bind),
    ...place.tmpfs.flatMap(([path = '', options = '']) => [
      `mkdir -p ${at(path)}`,
      `mount -t tmpfs -o ${options},nosuid,nodev,noexec tmpfs ${at(path)}`,
    ]),
    ...place.binds.flatMap(([from, to, readOnly]) => [
      `mkdir -p ${at(to)}`,
      bind(from, to),
      ...(readOnly ? [`mount -o remount,bind,ro ${at(to)}`] : []),
    ]),
    `echo ${quoted(place.hostname)} > /proc/sys/kernel/hostname`,
    ...(place.readOnly ? [`mount -o remount,ro ${quoted(place.root)}`] : []),
    `exec chroot ${quoted(place.root)} /usr/bin/setpriv ${place.rights.map(quoted).join(' ')} /bin/sh -c ${quoted(
      `cd ${quoted(place.workdir)} && exec "$@"`,
    )} sh "$@"`,
  ];
  return `${lines.join('\n')}\n`;
}

/** /bin and its like: links into /usr on most systems. */
function systemFolder(
  name: string,
  at: (path: string) => string,
  bind: (from: string, to: string) => string,
): string[] {
  const path = `/${name}`;
  if (!existsSync(path)) return [];
  if (lstatSync(path).isSymbolicLink()) return [`ln -s ${quoted(readlinkSync(path))} ${at(path)}`];
  return [`mkdir ${at(path)}`, bind(path, path)];
}

function etcFiles(
  place: ContainerPlace,
  at: (path: string) => string,
  bind: (from: string, to: string) => string,
): string[] {
  // Debian's Java has its settings and authorities there.
  const java = readdirSync('/etc').filter((name) => /^(java-\d.*|ssl)$/.test(name));
  return [
    `cp ${quoted(join(place.etc, 'hosts'))} /etc/ld.so.cache ${at('/etc/')}`,
    `echo 'hosts: files' > ${at('/etc/nsswitch.conf')}`,
    `echo 'millrace:x:10001:10001::/var/lib/millrace:/usr/sbin/nologin' > ${at('/etc/passwd')}`,
    ...java.flatMap((name) => [`mkdir ${at(`/etc/${name}`)}`, bind(`/etc/${name}`, `/etc/${name}`)]),
  ];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
