import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  namesOf,
  readCompose,
  readEnvFile,
  type Service,
  servicesOf,
} from '@millrace/deploy/compose/testing/compose-file.ts';
import { readDockerfile, type Stage } from '@millrace/deploy/compose/testing/dockerfile.ts';
import { makeImageTree } from '@millrace/deploy/compose/testing/image-tree.ts';
import { containerScript } from './container-script.ts';
import { root } from './stack.ts';

/** What images have besides the files of the project; by the path in the image. */
export interface ImageFiles {
  '/opt/java/openjdk'?: string;
  '/opt/kcl'?: string;
  '/opt/s3mock'?: string;
}

export interface Container {
  /** Runs a command in it, as `docker exec`. */
  exec(...command: string[]): Promise<{ code: number; output: string }>;
  /** The health check of the image or of docker-compose.yml until it is well. */
  healthy(): Promise<void>;
  /** As `docker stop`: SIGTERM, and after the grace SIGKILL. Resolves to the exit code; null: it had to be killed. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
  readonly exited: Promise<number | null>;
  /** What it printed. */
  log(): string;
}

/**
 * Services of docker-compose.yml without Docker: their commands, users, mounts, environment, health checks and grace as
 * they are written, in namespaces of the kernel. They share one network, in which every service's name is 127.0.0.1; limits
 * of memory and CPU are not set, and no init stands before a program. It needs root, on Linux.
 */
export class Containers {
  readonly dir = mkdtempSync(join(tmpdir(), 'millrace-containers-'));
  readonly #services: Record<string, Service>;
  readonly #stages = readDockerfile(join(root, 'deploy/images/Dockerfile'));
  readonly #files: ImageFiles;
  readonly #network: ChildProcess;
  readonly #running = new Set<Container>();

  private constructor(env: Record<string, string>, files: ImageFiles, network: ChildProcess) {
    const all = { ...readEnvFile(join(root, '.env.example')), ...env };
    const profiles = [...(all.COMPOSE_PROFILES ?? '').split(','), 'tools'];
    this.#services = servicesOf(readCompose(root, all), profiles);
    this.#files = files;
    this.#network = network;
  }

  /** `env`: lines of .env that differ from those of .env.example. */
  static async open(env: Record<string, string>, files: ImageFiles = {}): Promise<Containers> {
    const script = 'ip link set lo up && echo ready && exec cat >/dev/null';
    const network = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ready = once(network.stdout, 'data').then(() => true);
    if (!(await Promise.race([ready, once(network, 'close').then(() => false)])))
      throw new Error('no network namespace could be made: it needs root, on Linux, and ip of iproute2');
    return new Containers(env, files, network);
  }

  /** Arguments of nsenter that lead into the network of all containers. */
  get network(): string[] {
    return ['--target', String(this.#network.pid), '--net'];
  }

  /** As `docker compose up SERVICE`, without what it depends on; or with arguments as `docker compose run`. */
  start(name: string, args?: string[]): Container {
    const service = this.#services[name];
    if (service === undefined) throw new Error(`no service ${name} in these profiles`);
    const target = /^localhost\/millrace\/([a-z-]+):/.exec(service.image)?.[1] ?? '';
    const stage = this.#stages.get(target);
    if (stage === undefined) throw new Error(`${name}: ${service.image} is none of our images`);
    const command = [...(service.entrypoint ?? stage.entrypoint), ...(args ?? service.command ?? stage.cmd)];
    const place = this.#place(name, service, target);
    const log = join(this.dir, `${name}.log`);
    const output = openSync(log, 'a');
    const env = environmentOf(service, stage);
    const child = spawn(
      'nsenter',
      [...this.network, 'unshare', '--mount', '--uts', '--propagation', 'private', 'sh', place, ...command],
      { env, stdio: ['ignore', output, output] },
    );
    closeSync(output);
    const container = this.#container(name, service, stage, child, log, env);
    this.#running.add(container);
    void container.exited.then(() => this.#running.delete(container));
    return container;
  }

  /** Runs a service that ends by itself; resolves to its exit code and what it printed. */
  async run(name: string, args?: string[]): Promise<{ code: number | null; output: string }> {
    const before = this.#logOf(name).length;
    const code = await this.start(name, args).exited;
    return { code, output: this.#logOf(name).slice(before) };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((container) => container.kill()));
    this.#network.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Where a container's root is, in its own mount namespace. */
  #rootOf(name: string): string {
    return join(this.dir, 'roots', name);
  }

  #logOf(name: string): string {
    try {
      return readFileSync(join(this.dir, `${name}.log`), 'utf8');
    } catch {
      return ''; // it did not run yet
    }
  }

  #container(
    name: string,
    service: Service,
    stage: Stage,
    child: ChildProcess,
    log: string,
    env: NodeJS.ProcessEnv,
  ): Container {
    const exited = once(child, 'exit').then(([code]) => code as number | null);
    const exec = (...command: string[]) =>
      new Promise<{ code: number; output: string }>((done) => {
        const into = [
          '--target',
          String(child.pid),
          '--mount',
          '--net',
          '--uts',
          'chroot',
          this.#rootOf(name),
        ];
        const there = ['/bin/sh', '-c', `cd ${stage.workdir} && exec "$@"`, 'sh', ...command];
        execFile(
          'nsenter',
          [...into, 'setpriv', ...rights(stage, service), ...there],
          { env },
          (error, out, err) =>
            done({ code: error === null ? 0 : Number(error.code ?? -1), output: out + err }),
        );
      });
    const check = service.healthcheck?.test.slice(1) ?? stage.health?.command;
    return {
      exec,
      exited,
      log: () => readFileSync(log, 'utf8'),
      async healthy() {
        if (check === undefined) throw new Error(`${name} has no health check`);
        let last = '';
        for (let i = 0; i < 240; i++) {
          const { code, output } = await exec(...check);
          if (code === 0) return;
          if (child.exitCode !== null) break;
          last = output;
          await delay(500);
        }
        throw new Error(`${name} is not healthy: ${last}\n${readFileSync(log, 'utf8').slice(-3_000)}`);
      },
      async stop() {
        const seconds = Number(/^(\d+)s$/.exec(service.stop_grace_period ?? '10s')?.[1]);
        child.kill('SIGTERM');
        const late = new AbortController();
        const killed = delay(seconds * 1_000, undefined, { signal: late.signal }).then(
          () => child.kill('SIGKILL'),
          () => undefined,
        );
        const code = await exited;
        late.abort();
        await killed;
        return code;
      },
      async kill() {
        child.kill('SIGKILL');
        await exited;
      },
    };
  }

  /** Makes the image's files and the volumes, once, and the script that puts them together. */
  #place(name: string, service: Service, target: string): string {
    const tree = join(this.dir, 'images', target);
    makeImageTreeOnce(this.#stages, target, tree);
    const binds: [from: string, to: string, readOnly: boolean][] = [
      [tree, '/opt/millrace', true],
      // The image's packages are links to them.
      [join(root, 'node_modules'), join(root, 'node_modules'), true],
      ...Object.entries(this.#files).map(([to, from]): [string, string, boolean] => [from, to, true]),
      ...(service.volumes ?? []).map((volume) => this.#volume(name, volume)),
    ];
    const etc = join(this.dir, 'etc', name);
    mkdirSync(etc, { recursive: true });
    const names = Object.entries(this.#services).flatMap(([other, value]) => namesOf(other, value));
    writeFileSync(join(etc, 'hosts'), names.map((host) => `127.0.0.1 ${host}\n`).join(''));
    const script = join(this.dir, `${name}.sh`);
    mkdirSync(this.#rootOf(name), { recursive: true });
    const stage = this.#stages.get(target);
    const text = containerScript({
      root: this.#rootOf(name),
      etc,
      binds,
      tmpfs: (service.tmpfs ?? []).map((entry) => entry.split(':')),
      readOnly: service.read_only === true,
      hostname: service.hostname ?? name,
      workdir: stage?.workdir ?? '/',
      rights: stage === undefined ? [] : rights(stage, service),
    });
    writeFileSync(script, text);
    return script;
  }

  #volume(name: string, volume: string): [string, string, boolean] {
    const parts = volume.split(':');
    const [from = '', to = from, mode] = parts;
    if (from.startsWith('.')) return [resolve(root, from), to, mode === 'ro'];
    if (parts.length > 1 && from.startsWith('/')) return [from, to, mode === 'ro'];
    // A volume begins with what the image has there: a folder of the image's user.
    const folder = join(
      this.dir,
      'volumes',
      parts.length === 1 ? `${name}${from.replaceAll('/', '-')}` : from,
    );
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    chownSync(folder, ownUser, ownUser);
    return [folder, to, false];
  }
}

const ownUser = 10_001;

function makeImageTreeOnce(stages: Map<string, Stage>, target: string, tree: string): void {
  try {
    mkdirSync(tree, { recursive: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    mkdirSync(join(tree, '..'), { recursive: true });
  }
  makeImageTree(root, stages, target, tree);
}

function rights(stage: Stage, service: Service): string[] {
  const [uid, gid] = (stage.user ?? '').split(':');
  const groups = (service as { group_add?: string[] }).group_add;
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    groups === undefined ? '--clear-groups' : `--groups=${groups.join(',')}`,
    '--no-new-privs',
    '--bounding-set=-all',
    '--inh-caps=-all',
    // Nothing stays when the tests are killed.
    '--pdeathsig=KILL',
    '--',
  ];
}

/** Of the image, of the env files, of the service: the later counts. */
function environmentOf(service: Service, stage: Stage): Record<string, string> {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const files = (service.env_file ?? []).map((file) => readEnvFile(resolve(root, file.path)));
  const env = { PATH: path, HOME: '/var/lib/millrace', ...stage.env };
  return Object.assign(
    { ...env, PATH: env.PATH.replace('$PATH', path) },
    ...files,
    service.environment ?? {},
  );
}
