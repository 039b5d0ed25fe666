import { cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import dockerignore from '@balena/dockerignore';
import type { Stage } from './dockerfile.ts';

/**
 * The folder /opt/millrace of an image, made below `folder` as its COPY instructions say: of the files that
 * .dockerignore leaves in the build context, and with the packages that its workspace names, and no others. What comes
 * from elsewhere (Java, jars) is for the caller; the page is there if it was built.
 */
export function makeImageTree(
  root: string,
  stages: Map<string, Stage>,
  target: string,
  folder: string,
): void {
  const stage = stages.get(target);
  if (stage === undefined) throw new Error(`no stage ${target}`);
  mkdirSync(folder, { recursive: true });
  const ignored = dockerignore.default().add(readFileSync(join(root, '.dockerignore'), 'utf8'));
  const inContext = (path: string) => !ignored.ignores(relative(root, path));
  for (const { from, sources, target: to } of stage.copies) {
    if (from === undefined) copyFiles(root, sources, to, folder, inContext);
    else if (from.endsWith('-packages')) {
      for (const copied of stages.get(from)?.copies ?? [])
        copyFiles(root, copied.sources, copied.target, folder, inContext);
      linkPackages(root, from.slice(0, -'-packages'.length), folder);
    } else if (from === 'page') copyPage(root, join(folder, to));
  }
}

function copyFiles(
  root: string,
  sources: string[],
  to: string,
  folder: string,
  inContext: (path: string) => boolean,
): void {
  for (const source of sources) {
    const path = join(root, source);
    const isFolder = statSync(path).isDirectory();
    const target = join(folder, to, !isFolder && to.endsWith('/') ? basename(source) : '');
    // Docker has a folder in its context when anything in it is.
    const filter = (file: string) => statSync(file).isDirectory() || inContext(file);
    if (!isFolder && !inContext(path)) throw new Error(`COPY ${source}: .dockerignore has taken it away`);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(path, target, { recursive: true, filter });
  }
}

/**
 * As `npm ci --omit=dev --workspace=` does it: the dependencies of the workspace and of the workspaces that it uses.
 * @param dev without `--omit=dev`
 */
export function linkPackages(root: string, workspace: string, folder: string, dev = false): void {
  const done = new Set<string>();
  const waiting = [workspace];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (done.has(name)) continue;
    done.add(name);
    // Relative, as npm's: the folder may be shown elsewhere.
    link(join('../..', name), join(folder, 'node_modules/@millrace', name));
    for (const dependency of dependenciesOf(join(root, name), dev)) {
      if (dependency.startsWith('@millrace/')) waiting.push(dependency.slice('@millrace/'.length));
      else link(packageFolder(root, name, dependency), join(folder, 'node_modules', dependency));
    }
  }
}

function dependenciesOf(folder: string, dev: boolean): string[] {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;
  return [...Object.keys(dependencies), ...(dev ? Object.keys(devDependencies) : [])];
}

function packageFolder(root: string, workspace: string, name: string): string {
  const own = join(root, workspace, 'node_modules', name);
  return existsSync(own) ? own : join(root, 'node_modules', name);
}

function copyPage(root: string, to: string): void {
  const built = join(root, 'search-api/web/dist');
  if (existsSync(built)) cpSync(built, to, { recursive: true });
}

function link(to: string, at: string): void {
  if (existsSync(at)) return;
  mkdirSync(dirname(at), { recursive: true });
  symlinkSync(to, at);
}
