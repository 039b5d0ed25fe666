import type { AccessStack } from './access.ts';
import type { ArchiveStack } from './archive.ts';
import type { ImagesStack } from './images.ts';
import type { NetworkStack } from './network.ts';
import type { StoreStack } from './store.ts';
import type { StreamStack } from './stream.ts';

/** What services stand on. */
export interface Parts {
  network: NetworkStack;
  access: AccessStack;
  images: ImagesStack;
  stream: StreamStack;
  archive: ArchiveStack;
  /** Undefined: the store is one that is there already. */
  store: StoreStack | undefined;
}
