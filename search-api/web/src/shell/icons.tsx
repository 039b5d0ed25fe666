const paths = {
  search: 'M8.5 14a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM12.5 12.5 17 17',
  clock: 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM10 6v4.3l2.8 1.7',
  star: 'm10 2.8 2.2 4.6 5 .7-3.6 3.5.9 5-4.5-2.4-4.5 2.4.9-5L2.8 8.1l5-.7L10 2.8Z',
  link: 'M8.5 11.5a3.2 3.2 0 0 0 4.6 0l2.6-2.6a3.2 3.2 0 0 0-4.6-4.6l-1 1M11.5 8.5a3.2 3.2 0 0 0-4.6 0l-2.6 2.6a3.2 3.2 0 0 0 4.6 4.6l1-1',
  download: 'M10 3v9.5M6 9l4 4 4-4M3.5 16.5h13',
  more: 'M4.5 10h.01M10 10h.01M15.5 10h.01',
  fields: 'M3.5 5h13M3.5 10h13M3.5 15h8',
  left: 'm12 4-6 6 6 6',
  right: 'm8 4 6 6-6 6',
  out: 'M8.5 14a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM12.5 12.5 17 17M6 8.5h5',
  close: 'm5 5 10 10M15 5 5 15',
  down: 'm5 8 5 5 5-5',
  pause: 'M7 4v12M13 4v12',
  play: 'M6 4l10 6-10 6z',
  warn: 'M10 3 1.8 17h16.4L10 3ZM10 8v4M10 14.6h.01',
  archive: 'M3 4h14v4H3zM4.5 8v8.5h11V8M8 11.5h4',
  moon: 'M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3Z',
} as const;

export function Icon({ name }: { name: keyof typeof paths }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
