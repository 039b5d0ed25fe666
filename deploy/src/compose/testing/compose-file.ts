import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** What docker-compose.yml says of a service, as far as our tests look. Durations and sizes as they are written. */
export interface Service {
  image: string;
  build?: { target: string; args: Record<string, string> };
  profiles?: string[];
  entrypoint?: string[];
  command?: string[];
  hostname?: string;
  environment?: Record<string, string>;
  env_file?: { path: string }[];
  volumes?: string[];
  ports?: string[];
  networks: string[] | Record<string, { aliases?: string[] }>;
  depends_on?: Record<string, { condition: string; required?: boolean }>;
  healthcheck?: { test: string[] };
  stop_grace_period?: string;
  restart: string;
  init?: boolean;
  read_only?: boolean;
  tmpfs?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string; pids?: number } } };
}

export interface ComposeFile {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  networks: Record<string, unknown>;
}

/** The file as Compose sees it: merges and aliases resolved, variables replaced. */
export function readCompose(root: string, env: Record<string, string>): ComposeFile {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  return interpolated(parse(text, { merge: true }), env) as ComposeFile;
}

/** The variables that the file names, with what they are without a value; undefined: there has to be one. */
export function variablesOf(root: string): Map<string, string | undefined> {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const code = text.replaceAll(/^\s*#.*$/gm, '');
  return new Map(
    [...code.matchAll(variable)].map(([, name = '', how, rest]) => [name, how === ':-' ? rest : undefined]),
  );
}

/** The lines of a file for `env_file`, or of `.env`. */
export function readEnvFile(path: string): Record<string, string> {
  const lines = readFileSync(path, 'utf8').matchAll(/^([A-Z0-9_]+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]));
}

/** The services that run with these profiles. */
export function servicesOf({ services }: ComposeFile, profiles: string[]): Record<string, Service> {
  const runs = ([, service]: [string, Service]) =>
    service.profiles === undefined || service.profiles.some((profile) => profiles.includes(profile));
  return Object.fromEntries(Object.entries(services).filter(runs));
}

/** The names by which other containers know a service. */
export function namesOf(name: string, { networks }: Service): string[] {
  const aliases = Array.isArray(networks)
    ? []
    : Object.values(networks).flatMap((network) => network.aliases ?? []);
  return [name, ...aliases];
}

const variable = /\$\{([A-Z0-9_]+)(?:(:-|:\?)([^}]*))?\}/g;

function interpolated(value: unknown, env: Record<string, string>): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(variable, (_, name: string, how: string | undefined, rest: string) => {
      const given = env[name];
      if (given !== undefined && given !== '') return given;
      if (how !== ':-') throw new Error(`${name} is not set: ${rest}`);
      return rest;
    });
  }
  if (Array.isArray(value)) return value.map((item) => interpolated(item, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolated(item, env)]));
}
