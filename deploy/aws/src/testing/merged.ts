import type { Template } from './synth.ts';

/** What a reference to something that was left out becomes. */
const absent = 'arn:aws:es:eu-west-1:111122223333:domain/absent';

/**
 * One template of all parts, with the resources that `take` names: references between stacks become references
 * within it. For engines that know neither exports of all kinds, nor every type of resource.
 */
export function merged(
  parts: Record<string, Template>,
  take: (type: string) => boolean,
): { Resources: Template['Resources'] } {
  const exported = new Map<string, { part: string; value: unknown }>();
  for (const [part, { Outputs = {} }] of Object.entries(parts))
    for (const { Export, Value } of Object.values(Outputs) as { Export?: { Name: string }; Value: unknown }[])
      if (Export) exported.set(Export.Name, { part, value: Value });
  const taken = (part: string, id: string) => take(parts[part]?.Resources[id]?.Type ?? '');

  const rewritten = (value: unknown, part: string): unknown => {
    if (Array.isArray(value)) return value.map((each) => rewritten(each, part));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value as Record<string, unknown>);
    const [[key, inside] = ['', undefined]] = entries;
    if (key === 'Fn::ImportValue') {
      const found = exported.get(inside as string);
      return found === undefined ? absent : rewritten(found.value, found.part);
    }
    if (key === 'Ref' && typeof inside === 'string' && !inside.startsWith('AWS::'))
      return taken(part, inside) ? { Ref: part + inside } : absent;
    if (key === 'Fn::GetAtt') {
      const [id = '', ...rest] = inside as string[];
      return taken(part, id) ? { 'Fn::GetAtt': [part + id, ...rest] } : absent;
    }
    return Object.fromEntries(entries.map(([name, each]) => [name, rewritten(each, part)]));
  };

  return {
    Resources: Object.fromEntries(
      Object.entries(parts).flatMap(([part, { Resources }]) =>
        Object.entries(Resources)
          .filter(([id]) => taken(part, id))
          .map(([id, { Type, Properties }]) => [
            part + id,
            { Type, Properties: rewritten(Properties, part) as Record<string, unknown> },
          ]),
      ),
    ),
  };
}
