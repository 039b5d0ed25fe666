import { Repository, RepositoryEncryption, TagMutability } from 'aws-cdk-lib/aws-ecr';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/schema.ts';
import { PartStack } from './stack.ts';

/** `tools`: the ./millrace command, for the stream's shards. */
export type ImageName = 'consumer' | 'search-api' | 'agent' | 'tools';

/** Repositories of the images. They are deployed first, and pushed to before anything runs. */
export class ImagesStack extends PartStack {
  readonly #repositories: Partial<Record<ImageName, Repository>>;

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
        removalPolicy: this.dataRemoval,
        emptyOnDelete: !settings.keep_data,
      });
    this.#repositories = {
      consumer: repository('consumer'),
      'search-api': repository('search-api'),
      agent: repository('agent'),
      ...(settings.stream.autoscale === undefined ? {} : { tools: repository('tools') }),
    };
  }

  repository(name: ImageName): Repository {
    const found = this.#repositories[name];
    if (found === undefined) throw new Error(`there is no repository of ${name} with these settings`);
    return found;
  }

  /** The image's address: by digest where the settings have one. */
  uri(name: ImageName): string {
    const { digests, version } = this.settings.images;
    return this.repository(name).repositoryUriForTagOrDigest(digests[name] ?? version);
  }
}
