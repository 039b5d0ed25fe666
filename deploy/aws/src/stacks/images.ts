import { RemovalPolicy } from 'aws-cdk-lib';
import { Repository, RepositoryEncryption, TagMutability } from 'aws-cdk-lib/aws-ecr';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/schema.ts';
import { PartStack } from './stack.ts';

export type ImageName = 'consumer' | 'search-api' | 'agent';

/** Repositories of the images. They are deployed first, and pushed to before anything runs. */
export class ImagesStack extends PartStack {
  readonly #repositories: Record<ImageName, Repository>;

  constructor(scope: Construct, settings: Settings) {
    super(scope, 'Images', settings, 'repositories of the images');
    const repository = (name: ImageName) =>
      new Repository(this, name, {
        repositoryName: `${this.prefix}/${name}`,
        // A tag that means another image tomorrow could not be rolled back to.
        imageTagMutability: TagMutability.IMMUTABLE,
        imageScanOnPush: true,
        encryption: RepositoryEncryption.AES_256,
        lifecycleRules: [{ maxImageCount: 30, description: 'the newest 30' }],
        removalPolicy: settings.keep_data ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
        emptyOnDelete: false,
      });
    this.#repositories = {
      consumer: repository('consumer'),
      'search-api': repository('search-api'),
      agent: repository('agent'),
    };
  }

  repository(name: ImageName): Repository {
    return this.#repositories[name];
  }

  /** The image's address: by digest where the settings have one. */
  uri(name: ImageName): string {
    const { digests, version } = this.settings.images;
    return this.#repositories[name].repositoryUriForTagOrDigest(digests[name] ?? version);
  }
}
