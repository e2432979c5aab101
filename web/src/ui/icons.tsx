import type { ReactNode } from "react";

const paths = {
  /** Keeps the place of one that stands in other rows. */
  blank: null,
  share: <path d="M8 10V2.5M5 5l3-3 3 3M3.5 8v5.5h9V8" />,
  search: <path d="M7 12.2a5.2 5.2 0 1 0 0-10.4 5.2 5.2 0 0 0 0 10.4Zm3.8-1.4L14.5 14.5" />,
  plus: <path d="M8 3v10M3 8h10" />,
  dots: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.2" />,
  chevron: <path d="m6 3.5 4.5 4.5L6 12.5" />,
  previous: <path d="M10 3.5 5.5 8l4.5 4.5" />,
  camera: (
    <>
      <path d="M2 5h2.6l1.2-1.8h4.4L11.4 5H14v8H2z" />
      <circle cx="8" cy="8.8" r="2.4" />
    </>
  ),
  down: <path d="m3.5 6 4.5 4.5L12.5 6" />,
  up: <path d="m3.5 10 4.5-4.5 4.5 4.5" />,
  copy: <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />,
  check: <path d="m3 8.5 3.2 3.2L13 4.8" />,
  bell: <path d="M3.5 11.5h9l-1.2-1.8V7A3.3 3.3 0 0 0 8 3.5 3.3 3.3 0 0 0 4.7 7v2.7zM6.8 13.8h2.4" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  locate: (
    <>
      <circle cx="8" cy="8" r="4.6" />
      <circle cx="8" cy="8" r="1.2" fill="currentColor" />
      <path d="M8 1.5v2M8 12.5v2M1.5 8h2M12.5 8h2" />
    </>
  ),
  hand: <path d="M5 8.5V4.2a1 1 0 0 1 2 0V7m0-.5V3a1 1 0 0 1 2 0v4m0-3a1 1 0 0 1 2 0v5c0 3-1.5 5-4 5-2 0-3-1-4-3L2 8.6a.9.9 0 0 1 1.5-.9L5 9.5" />,
  reboot: <path d="M8 2v5M4.8 4.3a5 5 0 1 0 6.4 0" />,
  refresh: <path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3" />,
  undo: <path d="M6 4 3 7l3 3M3.5 7H10a3 3 0 0 1 0 6H7" />,
  user: <path d="M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8Zm-5 5.5c.6-2.4 2.6-3.6 5-3.6s4.4 1.2 5 3.6" />,
  menu: <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />,
  sun: <path d="M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1" />,
  moon: <path d="M13 9.5A5.5 5.5 0 0 1 6.5 3a5.3 5.3 0 1 0 6.5 6.5Z" />,
  place: (
    <>
      <path d="M8 14.2C4.9 11 3.4 8.7 3.4 6.4a4.6 4.6 0 0 1 9.2 0c0 2.3-1.5 4.6-4.6 7.8Z" />
      <circle cx="8" cy="6.4" r="1.6" />
    </>
  ),
  warning: <path d="M8 2.5 14.2 13.3H1.8zM8 6.5v3.2M8 11.5v.1" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.3" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {paths[name]}
    </svg>
  );
}
