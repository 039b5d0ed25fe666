declare module 'aws-kcl' {
  const kcl: (processor: import('./kcl-protocol.ts').RecordProcessor) => { run(): void };
  export = kcl;
}
