import { Menu } from "@mantine/core";
import { useState } from "react";
import type { View } from "@/api/types";
import { errorText, t } from "@/words";
import { Act, TextField, Tick } from "./forms";
import { Icon } from "./icons";
import { Form, Text } from "./layout";
import { Confirm, Dialog, DialogFoot, ErrorNote } from "./states";

export interface ViewsMenuProps {
  /** Of this list, by name. */
  views: View[];
  /** The one that is open, if the filter equals it. */
  current: View | undefined;
  /** The filter as it stands now; "" filters nothing. */
  query: string;
  /** Why nothing can be saved just now. */
  reason: string | null;
  /** They were read at least once. */
  ready: boolean;
  /** Why they could not be read just now. */
  error: unknown;
  onRetry: () => void;
  onOpen: (view: View) => void;
  onAdd: (name: string, shared: boolean) => Promise<void>;
  onChange: (view: View, change: { name?: string; shared?: boolean; query?: string }) => Promise<void>;
  onDelete: (view: View) => Promise<void>;
}

type Asked = { act: "save" } | { act: "edit" | "delete"; view: View };

/** Named filters of a list: open one, name the one that is set, rename, share and delete. */
export function ViewsMenu(props: ViewsMenuProps) {
  const { views, current, query, reason, ready, error, onOpen } = props;
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = () => setAsked(null);
  const mine = views.filter((view) => view.own);
  const others = views.filter((view) => !view.own);
  const item = (view: View) => (
    <Menu.Item key={view.id} data-testid={`view-${view.name}`} onClick={() => onOpen(view)} aria-current={view === current || undefined} leftSection={<Icon name={view === current ? "check" : "blank"} size={12} />}>
      {view.name} <span className="dim small">{view.own ? (view.shared ? t("views.shared") : "") : view.maker || t("views.nobody")}</span>
    </Menu.Item>
  );
  return (
    <>
      <Menu position="bottom-start" withinPortal shadow="md" withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <button type="button" className="chip" data-on={Boolean(current)} data-testid="views">
            {current ? `${t("views.title")}: ${current.name}` : t("views.title")}
            <Icon name="down" size={11} />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {error ? <Unread error={error} onRetry={props.onRetry} /> : !ready ? <Menu.Label>{t("state.loading")}</Menu.Label> : views.length === 0 && <Menu.Label>{t("views.none")}</Menu.Label>}
          {mine.length > 0 && <Menu.Label>{t("views.mine")}</Menu.Label>}
          {mine.map(item)}
          {others.length > 0 && <Menu.Label>{t("views.others")}</Menu.Label>}
          {others.map(item)}
          <Menu.Divider />
          <Told id="view-save" reason={reason ?? (current?.own ? t("views.is_saved", { name: current.name }) : query ? null : t("views.no_filter"))} onClick={() => setAsked({ act: "save" })}>
            {t("views.save")}
          </Told>
          {current && (
            <>
              <Told id="view-edit" reason={reason ?? (current.may_change ? null : t("views.not_yours"))} onClick={() => setAsked({ act: "edit", view: current })}>
                {t("views.edit")}
              </Told>
              <Told id="view-delete" danger reason={reason ?? (current.may_change ? null : t("views.not_yours"))} onClick={() => setAsked({ act: "delete", view: current })}>
                {t("views.delete")}
              </Told>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {asked?.act === "save" && <Named title={t("views.save_title")} onClose={close} onSay={(name, shared) => props.onAdd(name, shared)} />}
      {asked?.act === "edit" && (
        <Named title={t("views.edit_title", { name: asked.view.name })} view={asked.view} onClose={close} onSay={(name, shared) => props.onChange(asked.view, { name, ...(shared === asked.view.shared ? {} : { shared }) })} />
      )}
      {asked?.act === "delete" && <Delete view={asked.view} onClose={close} onDelete={props.onDelete} />}
    </>
  );
}

/** What was read before stands below it. */
function Unread({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <Menu.Item data-testid="views-retry" closeMenuOnClick={false} onClick={onRetry}>
      {t("action.try_again")}
      <span className="menu-reason" data-testid="views-error">
        {errorText(error)}
      </span>
    </Menu.Item>
  );
}

/** An entry of a menu that says why it does not apply. */
export function Told({ children, reason, onClick, id, danger }: { children: string; reason: string | null; onClick: () => void; id: string; danger?: boolean }) {
  return (
    <Menu.Item data-testid={id} aria-disabled={reason ? true : undefined} closeMenuOnClick={!reason} onClick={() => !reason && onClick()} c={reason ? "var(--dim)" : danger ? "var(--offline)" : undefined}>
      {children}
      {reason && <span className="menu-reason">{reason}</span>}
    </Menu.Item>
  );
}

function useTold(act: () => Promise<void>, onDone: () => void): { busy: boolean; error: unknown; run: () => Promise<void> } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
      onDone();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run };
}

function Named({ title, view, onClose, onSay }: { title: string; view?: View; onClose: () => void; onSay: (name: string, shared: boolean) => Promise<void> }) {
  const [name, setName] = useState(view?.name ?? "");
  const [shared, setShared] = useState(view?.shared ?? false);
  const { busy, error, run } = useTold(() => onSay(name.trim(), shared), onClose);
  return (
    <Dialog title={title} onClose={onClose} id="dialog-view">
      <Form onSubmit={() => void run()}>
        <TextField label={t("field.name")} value={name} onChange={setName} id="view-name" required autoFocus />
        {(!view || view.own) && <Tick label={t("views.share")} checked={shared} onChange={setShared} id="view-shared" />}
        <Text dim small>{t("views.share_text")}</Text>
        <ErrorNote error={error} saving />
        <DialogFoot>
          <Act onClick={onClose}>{t("action.cancel")}</Act>
          <Act primary submit busy={busy} id="view-submit">
            {t("action.save")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

function Delete({ view, onClose, onDelete }: { view: View; onClose: () => void; onDelete: (view: View) => Promise<void> }) {
  const { busy, error, run } = useTold(() => onDelete(view), onClose);
  return (
    <Confirm title={t("views.delete_title", { name: view.name })} act={t("action.delete")} danger id="view-delete" busy={busy} error={error} onClose={onClose} onAct={() => void run()}>
      <Text>{t(view.shared ? "views.delete_shared" : "views.delete_own")}</Text>
    </Confirm>
  );
}
