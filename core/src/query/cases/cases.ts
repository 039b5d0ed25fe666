import { basics } from './basics.ts';
import { ownFields } from './containers.ts';
import { joining } from './joining.ts';
import { knownFields } from './known.ts';
import type { MatchDocument, Theme } from './theme.ts';
import { unicode } from './unicode.ts';
import { words } from './words.ts';

/** The one table that the engines and the matcher are held to (D9). */
export const themes: Record<string, Theme> = { basics, words, unicode, ownFields, knownFields, joining };

/** All documents lie in one index; a query is said to find those of its own theme. */
export const matchDocuments: MatchDocument[] = Object.values(themes).flatMap(({ documents }) => documents);
