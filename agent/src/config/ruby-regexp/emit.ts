import { charSetSource } from './char-set.ts';
import type { Node } from './syntax.ts';

interface Emitted {
  source: string;
  /** Whether a quantifier may follow directly. */
  atomic: boolean;
}

/** JavaScript source of an expression. */
export function emitRegexp(node: Node): string {
  return emit(node).source;
}

function emit(node: Node): Emitted {
  switch (node.type) {
    case 'set':
      // An empty class matches nothing.
      return { source: node.set.length === 0 ? '[]' : charSetSource(node.set), atomic: true };
    case 'raw':
      return { source: node.source, atomic: node.source.startsWith('(?:') };
    case 'capture':
      return { source: `(?<${node.name}>${emit(node.body).source})`, atomic: true };
    case 'sequence': {
      const items = node.items.map((item) => {
        const { source } = emit(item);
        return item.type === 'choice' ? `(?:${source})` : source;
      });
      return { source: items.join(''), atomic: false };
    }
    case 'choice':
      return { source: node.options.map((option) => emit(option).source).join('|'), atomic: false };
    case 'repeat': {
      const body = emit(node.body);
      const unit = body.atomic ? body.source : `(?:${body.source})`;
      return { source: `${unit}${quantifier(node.min, node.max)}${node.lazy ? '?' : ''}`, atomic: false };
    }
  }
}

function quantifier(min: number, max: number): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  if (min === max) return `{${min}}`;
  return min === 0 && max === 1 ? '?' : `{${min},${max}}`;
}
