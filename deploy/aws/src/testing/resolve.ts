/** A template's value as CloudFormation would give it, as far as containers' configurations go. */
export function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => resolved(each));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Record<string, unknown>);
  const [[key, inside] = ['', undefined]] = entries;
  if (entries.length === 1) {
    if (key === 'Ref') return pseudo[inside as string] ?? `ref-${inside}`;
    if (key === 'Fn::Join') {
      const [separator, parts] = inside as [string, unknown[]];
      return parts.map((part) => String(resolved(part))).join(separator);
    }
    if (key === 'Fn::GetAtt') return `att-${(inside as string[]).join('-')}`.toLowerCase();
    // Names of exports hold stack and logical id.
    if (key === 'Fn::ImportValue')
      return `import-${inside}`
        .replaceAll(/[^A-Za-z0-9]/g, '-')
        .toLowerCase()
        .slice(-60);
  }
  return Object.fromEntries(entries.map(([name, each]) => [name, resolved(each)]));
}

const pseudo: Record<string, string> = {
  'AWS::Region': 'eu-west-1',
  'AWS::AccountId': '111122223333',
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};
