import { Modal } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { errorCode, errorText, t } from "@/words";
import { Act, CopyButton } from "./forms";
import { Shape } from "./status";

/** Nothing here yet, and the next step. */
export function Empty({ title, children, action, id }: { title: string; children?: ReactNode; action?: ReactNode; id?: string }) {
  return (
    <div className="empty" data-testid={id ?? "empty"}>
      <h2>{title}</h2>
      {children && <p className="dim">{children}</p>}
      {action}
    </div>
  );
}

/** What no answer means where a button says Save. */
const SAVING: Record<string, string> = { hub_not_answering: "hub_not_saved", hub_not_done: "hub_not_saved", hub_timed_out: "hub_late_save" };

/** What happened and what to do; the code small. `saving`: it stands above a button that says Save. */
export function ErrorNote({ error: told, onRetry, id, saving }: { error: unknown; onRetry?: () => void; id?: string; saving?: boolean }) {
  if (!told) return null;
  const code = saving && SAVING[errorCode(told)];
  const error = code ? { code } : told;
  return (
    <div className="notice offline" role="alert" data-testid={id ?? "error"}>
      <Shape status="offline" />
      <div className="grow">
        {errorText(error)} <span className="dim small">{errorCode(error)}</span>
      </div>
      {onRetry && (
        <Act small onClick={onRetry}>
          {t("action.try_again")}
        </Act>
      )}
    </div>
  );
}

export function Loading({ rows = 6 }: { rows?: number }) {
  return (
    <div className="skeleton-rows" role="status" aria-label={t("state.loading")}>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index}>
          <div className="skeleton" style={{ inlineSize: `${30 + ((index * 37) % 45)}%` }} />
        </div>
      ))}
    </div>
  );
}

/** What is lost when it goes; not what merely searches. */
const isText = (field: EventTarget): boolean =>
  (field instanceof HTMLTextAreaElement || (field instanceof HTMLInputElement && !["checkbox", "radio", "search"].includes(field.type) && !field.ariaHasPopup)) && field.value !== "";

/** `stays`: it shows what is never shown again, and closes by its own buttons alone. Once something was typed, a stray click or Escape
 *  closes it no more: the cross and its buttons do. */
export function Dialog({ title, onClose, children, id, wide, broad, stays }: { title: string; onClose: () => void; children: ReactNode; id?: string; wide?: boolean; broad?: boolean; stays?: boolean }) {
  const [typed, setTyped] = useState(false);
  const slips = !stays && !typed;
  return (
    <Modal opened onClose={onClose} closeOnClickOutside={slips} closeOnEscape={slips} withCloseButton={!stays} title={title} size={broad ? 760 : wide ? 560 : 440} centered closeButtonProps={{ "aria-label": t("action.close") }} transitionProps={{ duration: 80 }} returnFocus>
      <div data-testid={id} onInput={(event) => setTyped(typed || isText(event.target))}>
        {children}
      </div>
    </Modal>
  );
}

/** Buttons of a dialog: the primary one lower right. */
export function DialogFoot({ children, start }: { children: ReactNode; start?: ReactNode }) {
  return (
    <div className={`line gap-8 ${start ? "between" : "end"}`} style={{ paddingBlockStart: 8 }}>
      {start}
      <div className="line gap-8">{children}</div>
    </div>
  );
}

/** Names what will be interrupted; the act itself is the button's verb. */
export function Confirm(props: { title: string; children: ReactNode; act: string; danger?: boolean; busy?: boolean; error?: unknown; onAct: () => void; onClose: () => void; id: string; disabled?: boolean }) {
  const { title, children, act, danger, busy, error, onAct, onClose, id, disabled } = props;
  return (
    <Dialog title={title} onClose={onClose} id={`dialog-${id}`}>
      <div className="stack gap-12">
        {children}
        <ErrorNote error={error} />
        <DialogFoot>
          <Act onClick={onClose} id={`dialog-${id}-cancel`}>
            {t("action.cancel")}
          </Act>
          <Act primary danger={danger} busy={busy} onClick={onAct} id={`dialog-${id}-act`} disabled={disabled}>
            {act}
          </Act>
        </DialogFoot>
      </div>
    </Dialog>
  );
}

/** Shown once, to be copied. */
export function Secret({ text, id, label }: { text: string; id: string; label: string }) {
  return (
    <div className="secret" aria-label={label} role="group">
      <span className="grow" data-testid={id}>
        {text}
      </span>
      <CopyButton text={text} id={`${id}-copy`} label={t("action.copy")} />
    </div>
  );
}

/** To be compared by eye, pair by pair: large, in even groups, with a copy beside it. */
export function Fingerprint({ text, id }: { text: string; id?: string }) {
  const pairs = text.split(":");
  const groups = Array.from({ length: Math.ceil(pairs.length / 8) }, (_, index) => pairs.slice(index * 8, index * 8 + 8).join(":"));
  return (
    <div className="fingerprint">
      <code data-testid={id}>
        {groups.map((group, index) => (
          <span key={index}>
            {group}
            {index < groups.length - 1 && ":"}
          </span>
        ))}
      </code>
      <CopyButton text={text} id={id && `${id}-copy`} />
    </div>
  );
}
