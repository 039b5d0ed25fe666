import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** The loader of deploy/src/analytics/redshift as one file, put together here and now: no container, no network. */
export function loaderCode(): Code {
  const folder = join(root, 'deploy/src/analytics/redshift');
  const tryBundle = (outputDir: string): boolean => {
    buildSync({
      entryPoints: [join(folder, 'main.ts')],
      outfile: join(outputDir, 'index.mjs'),
      // Paths stand in comments: the same file wherever the project lies.
      absWorkingDir: root,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      external: ['@aws-sdk/*'],
      logLevel: 'silent',
    });
    return true;
  };
  return Code.fromAsset(folder, {
    assetHashType: AssetHashType.OUTPUT,
    // The image is not asked for: what is done here does not fail, or throws.
    bundling: { image: DockerImage.fromRegistry('none'), local: { tryBundle } },
  });
}
