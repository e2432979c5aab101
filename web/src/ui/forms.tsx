import { Button, Checkbox, Menu, NativeSelect, PasswordInput, Popover, Radio, Select, Textarea, TextInput, Tooltip, type OptionsFilter } from "@mantine/core";
import { useEffect, useMemo, useRef, useState, type ReactElement, type ReactNode } from "react";
import { t } from "@/words";
import { Icon, type IconName } from "./icons";

/** `reason`: why it does not apply now; it stays reachable and says so. */
export function Act(props: { children: ReactNode; reason?: string | null; onClick?: () => void; primary?: boolean; danger?: boolean; submit?: boolean; busy?: boolean; disabled?: boolean; id?: string; icon?: IconName; small?: boolean; full?: boolean; autoFocus?: boolean }) {
  const { children, reason, onClick, primary, danger, submit, busy, disabled, id, icon, small, full, autoFocus } = props;
  const button = (
    <Button
      type={submit ? "submit" : "button"}
      size={small ? "compact-sm" : "xs"}
      variant={primary ? "filled" : "default"}
      color={danger ? "red.8" : undefined}
      c={!primary && danger && !reason ? "var(--offline)" : undefined}
      loading={busy}
      disabled={disabled}
      onClick={(event) => (reason ? event.preventDefault() : onClick?.())}
      data-disabled={reason ? true : undefined}
      aria-disabled={reason ? true : undefined}
      aria-description={reason ?? undefined}
      data-testid={id}
      fullWidth={full}
      data-autofocus={autoFocus || undefined}
      leftSection={icon && <Icon name={icon} size={14} />}
      styles={{ root: { fontSize: "0.8125rem", fontWeight: 500, borderColor: primary ? undefined : "var(--line-strong)" } }}
    >
      {children}
    </Button>
  );
  return <Why reason={reason}>{button}</Why>;
}

/** Says it beside what can't be done, on hover and focus. */
function Why({ reason, children }: { reason?: string | null; children: ReactElement }) {
  return reason ? (
    <Tooltip label={reason} withArrow multiline maw={280} events={{ hover: true, focus: true, touch: true }}>
      {children}
    </Tooltip>
  ) : (
    children
  );
}

/** What the hub gives as a file; the page stays where it is. */
export function Download({ href, children, id }: { href: string; children: ReactNode; id?: string }) {
  return (
    <Button component="a" href={href} download size="xs" variant="default" data-testid={id} styles={{ root: { fontSize: "0.8125rem", fontWeight: 500, borderColor: "var(--line-strong)" } }}>
      {children}
    </Button>
  );
}

/** `roomy`: high enough to be hit in a row of its own. `reason`: as of an `Act`. */
export function LinkButton({ children, onClick, id, roomy, reason }: { children: ReactNode; onClick: () => void; id?: string; roomy?: boolean; reason?: string | null }) {
  return (
    <Why reason={reason}>
      <button
        type="button"
        className={roomy ? "linkish roomy" : "linkish"}
        data-testid={id}
        aria-disabled={reason ? true : undefined}
        aria-description={reason ?? undefined}
        onClick={(event) => {
          event.stopPropagation();
          if (!reason) onClick();
        }}
      >
        {children}
      </button>
    </Why>
  );
}

/** `reason`: why it does not apply now; it stays reachable and says so. */
export function IconButton({ icon, label, onClick, pressed, id, tiny, reason }: { icon: IconName; label: string; onClick?: () => void; pressed?: boolean; id?: string; tiny?: boolean; reason?: string | null }) {
  return (
    <Tooltip label={reason ? `${label}. ${reason}` : label} withArrow openDelay={300} multiline maw={280}>
      <button
        type="button"
        className={tiny ? "icon-button tiny" : "icon-button"}
        aria-label={label}
        aria-pressed={pressed}
        aria-disabled={reason ? true : undefined}
        aria-description={reason ?? undefined}
        data-testid={id}
        onClick={(event) => {
          event.stopPropagation();
          if (!reason) onClick?.();
        }}
      >
        <Icon name={icon} />
      </button>
    </Tooltip>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  id: string;
  hint?: string;
  error?: string;
  autoComplete?: string;
  placeholder?: string;
  required?: boolean;
  autoFocus?: boolean;
  disabled?: boolean;
  /** A code that is read off and typed: large, every letter apart. */
  big?: boolean;
}

export function TextField({ label, value, onChange, id, hint, error, autoComplete = "off", placeholder, required, autoFocus, disabled, big }: FieldProps) {
  return (
    <TextInput
      label={label}
      value={value}
      onChange={(e) => onChange(e.currentTarget.value)}
      data-testid={id}
      description={hint}
      error={error}
      autoComplete={autoComplete}
      placeholder={placeholder}
      required={required}
      withAsterisk={false}
      data-autofocus={autoFocus || undefined}
      autoFocus={autoFocus}
      disabled={disabled}
      classNames={big ? { input: "big-code" } : undefined}
      spellCheck={false}
    />
  );
}

export function SecretField({ label, value, onChange, id, hint, error, autoComplete = "new-password", placeholder, required, autoFocus, disabled }: FieldProps) {
  return (
    <PasswordInput
      label={label}
      value={value}
      onChange={(e) => onChange(e.currentTarget.value)}
      data-testid={id}
      description={hint}
      error={error}
      autoComplete={autoComplete}
      placeholder={placeholder}
      required={required}
      withAsterisk={false}
      autoFocus={autoFocus}
      disabled={disabled}
      visibilityToggleButtonProps={{ "aria-label": t("field.show_password") }}
    />
  );
}

export function LongField({ label, value, onChange, id, hint, error, disabled }: FieldProps) {
  return <Textarea label={label} value={value} onChange={(e) => onChange(e.currentTarget.value)} data-testid={id} description={hint} error={error} autosize minRows={3} maxRows={12} disabled={disabled} spellCheck={false} />;
}

export function Choice({ label, value, onChange, options, id, hint, disabled }: { label: string; value: string; onChange: (value: string) => void; options: { value: string; label: string; disabled?: boolean }[]; id: string; hint?: string; disabled?: boolean }) {
  return <NativeSelect label={label} value={value} onChange={(e) => onChange(e.currentTarget.value)} data={options} data-testid={id} description={hint} disabled={disabled} />;
}

const AT_ONCE = 60;

/** Every word typed stands somewhere in the label, in any order. */
export const everyWord: OptionsFilter = ({ options, search, limit }) => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (label: string) => words.every((word) => label.toLowerCase().includes(word));
  return options.filter((option) => "label" in option && fits(option.label)).slice(0, limit);
};

/** A choice among many, found by typing; `empty` is what an empty field means. */
export function SearchChoice(props: { label: string; value: string; onChange: (value: string) => void; options: { value: string; label: string }[]; id: string; hint?: string; empty?: string; autoFocus?: boolean; required?: boolean }) {
  const { label, value, onChange, options, id, hint, empty, autoFocus, required } = props;
  return (
    <Select
      label={label}
      value={value || null}
      onChange={(next) => onChange(next ?? "")}
      data={options}
      filter={everyWord}
      limit={AT_ONCE}
      searchable
      clearable={!required}
      clearButtonProps={{ "aria-label": t("action.clear") }}
      description={hint}
      placeholder={empty}
      nothingFoundMessage={t("search.nothing")}
      data-testid={id}
      data-autofocus={autoFocus || undefined}
      openOnFocus={false}
      withScrollArea={false}
      styles={{ options: { maxBlockSize: 260, overflowY: "auto" } }}
      comboboxProps={{ shadow: "md", withinPortal: true }}
      spellCheck={false}
    />
  );
}

/** Reads a text file of the reader's own machine, in whatever a spreadsheet wrote it. */
export function FileButton({ label, accept, onText, id }: { label: string; accept: string; onText: (text: string, name: string) => void; id: string }) {
  const input = useRef<HTMLInputElement>(null);
  const read = async (file: File | undefined) => {
    if (file) onText(decoded(await file.arrayBuffer()), file.name);
    if (input.current) input.current.value = "";
  };
  return (
    <>
      <Act small onClick={() => input.current?.click()}>
        {label}
      </Act>
      <input ref={input} type="file" accept={accept} hidden aria-label={label} data-testid={id} onChange={(event) => void read(event.currentTarget.files?.[0])} />
    </>
  );
}

/** By its mark, as UTF-8, or as Windows writes it. */
function decoded(buffer: ArrayBuffer): string {
  const [a, b] = new Uint8Array(buffer);
  if (a === 0xff && b === 0xfe) return new TextDecoder("utf-16le").decode(buffer);
  if (a === 0xfe && b === 0xff) return new TextDecoder("utf-16be").decode(buffer);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer);
  } catch {
    return new TextDecoder("windows-1252").decode(buffer);
  }
}

/** A small choice inside a bar, its name in front. */
export function InlineChoice({ label, value, onChange, options, id }: { label: string; value: string; onChange: (value: string) => void; options: { value: string; label: string }[]; id: string }) {
  return (
    <label className="line gap-4 keep">
      <span className="dim nowrap">{label}</span>
      <NativeSelect size="xs" value={value} onChange={(e) => onChange(e.currentTarget.value)} data={options} data-testid={id} />
    </label>
  );
}

export function Tick({ label, checked, onChange, id, some }: { label: ReactNode; checked: boolean; onChange: (checked: boolean) => void; id?: string; some?: boolean }) {
  return <Checkbox size="xs" label={label} checked={checked} indeterminate={some} onChange={(e) => onChange(e.currentTarget.checked)} data-testid={id} styles={{ input: { cursor: "pointer", borderColor: "var(--edge)" } }} />;
}

export function BareTick({ label, checked, onChange, id, some }: { label: string; checked: boolean; onChange: (checked: boolean) => void; id?: string; some?: boolean }) {
  return (
    <Checkbox
      size="xs"
      aria-label={label}
      checked={checked}
      indeterminate={some}
      onChange={(e) => onChange(e.currentTarget.checked)}
      onClick={(e) => e.stopPropagation()}
      data-testid={id}
      styles={{ input: { cursor: "pointer", borderColor: "var(--edge)" } }}
    />
  );
}

export function Radios({ label, value, onChange, options, id }: { label: string; value: string; onChange: (value: string) => void; options: { value: string; label: string; hint?: string; disabled?: boolean }[]; id: string }) {
  return (
    <Radio.Group label={label} value={value} onChange={onChange} data-testid={id}>
      <div className="stack gap-8" style={{ paddingBlockStart: 6 }}>
        {options.map((option) => (
          <Radio key={option.value} size="xs" value={option.value} label={option.label} description={option.hint} disabled={option.disabled} data-testid={`${id}-${option.value}`} />
        ))}
      </div>
    </Radio.Group>
  );
}

export interface MenuEntry {
  label: string;
  onClick: () => void;
  id?: string;
  danger?: boolean;
  disabled?: boolean;
  /** Why it does not apply; it stays reachable and says so. */
  reason?: string | null;
}

/** `head`: what stands above the entries and is no entry. */
export function RowMenu({ label, entries, id, trigger, head }: { label: string; entries: MenuEntry[]; id: string; trigger?: ReactNode; head?: ReactNode }) {
  return (
    <Menu position="bottom-end" withinPortal shadow="md" withInitialFocusPlaceholder={false}>
      <Menu.Target>
        {trigger ? (
          <button type="button" className="icon-button" aria-label={label} data-testid={id} onClick={(e) => e.stopPropagation()} style={{ inlineSize: "auto", paddingInline: 6 }}>
            {trigger}
          </button>
        ) : (
          <button type="button" className="icon-button" aria-label={label} data-testid={id} onClick={(e) => e.stopPropagation()}>
            <Icon name="dots" />
          </button>
        )}
      </Menu.Target>
      <Menu.Dropdown>
        {head && <Menu.Label data-testid={`${id}-head`}>{head}</Menu.Label>}
        {entries.map((entry) => (
          <Menu.Item
            key={entry.label}
            onClick={() => !entry.reason && entry.onClick()}
            closeMenuOnClick={!entry.reason}
            data-testid={entry.id}
            aria-disabled={entry.reason ? true : undefined}
            c={entry.reason ? "var(--dim)" : entry.danger ? "var(--offline)" : undefined}
            disabled={entry.disabled}
          >
            {entry.label}
            {entry.reason && <span className="menu-reason">{entry.reason}</span>}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** Types at once, tells after a moment. */
export function SearchField({ value, onChange, label, id, shortcut }: { value: string; onChange: (value: string) => void; label: string; id: string; shortcut?: string }) {
  const [typed, setTyped] = useState(value);
  const told = useRef(value);
  // the screen around it draws itself anew with every message of the hub, faster than anybody types: that must not begin the wait again
  const tell = useRef(onChange);
  useEffect(() => {
    tell.current = onChange;
  });
  useEffect(() => {
    if (value !== told.current) {
      told.current = value;
      setTyped(value);
    }
  }, [value]);
  useEffect(() => {
    if (typed === told.current) return undefined;
    const timer = setTimeout(() => {
      told.current = typed;
      tell.current(typed);
    }, 250);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <span className="search">
      <Icon name="search" size={14} />
      <input type="search" aria-label={label} placeholder={label} value={typed} data-testid={id} onChange={(e) => setTyped(e.target.value)} spellCheck={false} autoComplete="off" />
      {shortcut && !typed && <kbd>{shortcut}</kbd>}
    </span>
  );
}

export interface ChipOption {
  value: string;
  label: ReactNode;
  text: string;
}

const MANY = 12;

/** A filter: a dashed chip when it lets everything through, a solid one with its values when it does not. Many choices can be searched. */
export function FilterChip({ name, options: every, values, onChange, id }: { name: string; options: ChipOption[]; values: string[]; onChange: (values: string[]) => void; id: string }) {
  const [typed, setTyped] = useState("");
  const fitting = useMemo(() => {
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    return words.length === 0 ? every : every.filter((option) => words.every((word) => option.text.toLowerCase().includes(word)));
  }, [every, typed]);
  const options = fitting.slice(0, AT_ONCE);
  const named = values.map((value) => every.find((option) => option.value === value)?.text ?? value);
  const missing = values.filter((value) => !every.some((option) => option.value === value)).map((value) => ({ value, label: value, text: value }));
  return (
    <Popover position="bottom-start" shadow="md" withinPortal trapFocus returnFocus>
      <Popover.Target>
        <button type="button" className="chip" data-on={values.length > 0} data-testid={id} aria-haspopup="dialog">
          {values.length === 0 ? name : `${name}: ${named.slice(0, 2).join(", ")}${named.length > 2 ? ` +${named.length - 2}` : ""}`}
          <Icon name="down" size={11} />
        </button>
      </Popover.Target>
      <Popover.Dropdown aria-label={name}>
        {every.length > MANY && <TextInput size="xs" mb={8} aria-label={t("search.label")} placeholder={t("search.label")} value={typed} onChange={(e) => setTyped(e.currentTarget.value)} data-testid={`${id}-search`} />}
        <div className="stack gap-8" style={{ maxBlockSize: 320, overflowY: "auto", padding: 2 }}>
          {[...options, ...missing].map((option) => (
            <Tick
              key={option.value}
              id={`${id}-${option.value}`}
              label={option.label}
              checked={values.includes(option.value)}
              onChange={(on) => onChange(on ? [...values, option.value] : values.filter((value) => value !== option.value))}
            />
          ))}
          {every.length === 0 && <span className="dim">{t("filter.nothing")}</span>}
          {every.length > 0 && options.length === 0 && <span className="dim">{t("search.nothing")}</span>}
          {fitting.length > options.length && <span className="dim">{t("filter.more", { n: fitting.length - options.length })}</span>}
          {values.length > 0 && (
            <button type="button" className="linkish" onClick={() => onChange([])} data-testid={`${id}-clear`}>
              {t("action.clear")}
            </button>
          )}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

export function Filters({ children }: { children: ReactNode }) {
  return <div className="filters">{children}</div>;
}

/** Hands a text to the browser as a file; nothing is asked of the hub again. */
export function DownloadButton({ text, name, label, id }: { text: string; name: string; label: string; id?: string }) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Act small onClick={save} id={id}>
      {label}
    </Act>
  );
}

async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // without TLS there is no clipboard: the old way, inside the dialog that would take the focus back
    const area = document.createElement("textarea");
    area.value = text;
    (document.querySelector("[role=dialog]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function useCopied(text: string): { done: boolean; copy: () => Promise<void> } {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return { done, copy };
}

/** A copy as a button with its word. */
export function CopyAct({ text, label, id, primary }: { text: string; label: string; id: string; primary?: boolean }) {
  const { done, copy } = useCopied(text);
  return (
    <Act icon={done ? "check" : "copy"} primary={primary} onClick={() => void copy()} id={id}>
      {done ? t("action.copied") : label}
    </Act>
  );
}

export function CopyButton({ text, label, id }: { text: string; label?: string; id?: string }) {
  const { done, copy } = useCopied(text);
  const name = label ?? t("action.copy");
  return (
    <button
      type="button"
      className="icon-button tiny"
      aria-label={done ? t("action.copied") : name}
      title={name}
      data-testid={id}
      onClick={(event) => {
        event.stopPropagation();
        void copy();
      }}
    >
      <Icon name={done ? "check" : "copy"} size={13} />
    </button>
  );
}

/** A tool stays reachable when it does not apply: it says why. */
export function Tool({ name, icon, onClick, reason, id, pressed, danger, asked }: { name: string; icon?: IconName; onClick: () => void; reason?: string | null; id: string; pressed?: boolean; danger?: boolean; asked?: boolean }) {
  const button = (
    <button
      type="button"
      className={danger ? "tool danger" : "tool"}
      aria-disabled={reason ? true : undefined}
      aria-pressed={pressed}
      aria-description={reason ?? undefined}
      data-testid={`tool-${id}`}
      data-phase={asked ? "asked" : undefined}
      onClick={() => !reason && onClick()}
    >
      {icon && <Icon name={icon} size={14} />}
      {name}
      {asked && <span className="asked small">{t("control.asked")}</span>}
    </button>
  );
  return <Why reason={reason}>{button}</Why>;
}

export function ToolBar({ children, label, sheet }: { children: ReactNode; label: string; sheet?: boolean }) {
  return (
    <div className={sheet ? "tools sheet" : "tools"} role="toolbar" aria-label={label}>
      {children}
    </div>
  );
}
