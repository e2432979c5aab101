import encodeQR from "qr";
import { useMemo, type ReactNode } from "react";
import { createPortal } from "react-dom";

/** Modules of empty space that a reader needs around the code (ISO/IEC 18004). */
const QUIET = 4;

/** The dark modules as one path of runs, and how many modules a side has. */
export function qrPath(text: string): { path: string; size: number } {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: QUIET });
  const runs: string[] = [];
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      if (!row[x]) continue;
      const from = x;
      while (row[x + 1]) x += 1;
      runs.push(`M${from} ${y}h${x - from + 1}v1H${from}z`);
    }
  });
  return { path: runs.join(""), size: rows.length };
}

/** Always dark on light: readers want it so in either theme. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { path, size } = useMemo(() => qrPath(text), [text]);
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

/** What is stuck to a door or a rack. */
export function Label({ text, title, under, note, alt }: { text: string; title: string; under?: string; note: string; alt: string }) {
  return (
    <div className="label">
      <QrCode text={text} label={alt} />
      <div>
        <b>{title}</b>
        {under && <span>{under}</span>}
        <small>{note}</small>
      </div>
    </div>
  );
}

export function Labels({ children, id }: { children: ReactNode; id?: string }) {
  return (
    <div className="labels" data-testid={id} tabIndex={0} role="group">
      {children}
    </div>
  );
}

/** While it is there, printing prints this alone: a sheet of labels. */
export function PrintSheet({ children }: { children: ReactNode }) {
  return createPortal(
    <div className="print-sheet" aria-hidden="true">
      {children}
    </div>,
    document.body,
  );
}
