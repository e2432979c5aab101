import { useState } from "react";
import { api } from "@/api/client";
import { useSession } from "@/api/session";
import type { AddedUser } from "@/api/types";
import { useCall } from "@/live/call";
import { Act, CopyAct, Dialog, DialogFoot, ErrorNote, Form, Icon, LongField, Notice, RowLine, Rows, Secret, Shape, Stack, Text, Grow, Line } from "@/ui";
import { errorText, t, type Key } from "@/words";
import { endOfDay } from "@/words/days";
import { AccessFields, type Access } from "./access";

/** As the hub takes an entry apart (people/rules.py). */
export const addressesOf = (entry: string): string[] =>
  entry
    .replace(/"[^"\n]{0,200}"(?=\s*<)/g, " ")
    .split(/[,;\n]+/)
    .flatMap((piece) => (/<[^>]*>/.test(piece) ? piece.slice(piece.indexOf("<") + 1).replace(/>.*/s, "") : piece).split(/\s+/))
    .filter(Boolean)
    .map((address) => address.replace(/^mailto:/i, ""));
const LIKE_MAIL = /^[^@\s]+@[^@\s]+\.[^@\s.]+$/;
export const recognised = (entry: string): string[] => [...new Set(addressesOf(entry).map((address) => address.toLowerCase()))].filter((address) => LIKE_MAIL.test(address));

export const whole = (link: string): string => `${location.origin}${link}`;

export function AddUsers({ onClose }: { onClose: () => void }) {
  // at a site people have names to sign in with; at the hub it is their address
  const local = useSession().session.edition === "local_agent";
  const [entry, setEntry] = useState("");
  const [access, setAccess] = useState<Access>({ role: "", places: [], ends: "" });
  const [results, setResults] = useState<AddedUser[] | null>(null);
  const { busy, error, run } = useCall<{ items: AddedUser[] }>();
  const submit = async () => {
    const body = { addresses: entry, role: access.role, places: access.places, ends: endOfDay(access.ends) };
    const done = await run(() => api.post<{ items: AddedUser[] }>("/users", body));
    if (done) setResults(done.items);
  };
  // back to the entry, with those that could not be added still in it
  const more = () => {
    setEntry((results ?? []).filter((item) => item.code).map((item) => item.address).join("\n"));
    setResults(null);
  };
  const n = local ? new Set(addressesOf(entry)).size : recognised(entry).length;
  const odd = addressesOf(entry).length - n;
  return (
    <Dialog title={t("users.add")} onClose={onClose} id="dialog-add-users" wide stays={results?.some((item) => item.link)}>
      {results ? (
        <Results items={results} onMore={more} onClose={onClose} />
      ) : (
        <Form onSubmit={() => void submit()} id="add-users-form">
          <LongField label={t(local ? "users.names" : "users.addresses")} hint={t("users.addresses_hint")} value={entry} onChange={setEntry} id="add-users-addresses" />
          <Text dim small id="add-users-count">
            {[t("users.recognised", { n }), odd > 0 && t("users.odd", { n: odd })].filter(Boolean).join(" · ")}
          </Text>
          <AccessFields value={access} onChange={setAccess} />
          <ErrorNote error={error} />
          <DialogFoot>
            <Act onClick={onClose} id="add-users-cancel">
              {t("action.cancel")}
            </Act>
            <Act primary submit busy={busy} disabled={!entry.trim() || !access.role} id="add-users-submit">
              {t("action.add")}
            </Act>
          </DialogFoot>
        </Form>
      )}
    </Dialog>
  );
}

function Results({ items, onMore, onClose }: { items: AddedUser[]; onMore: () => void; onClose: () => void }) {
  const links = items.filter((item) => item.link);
  const failed = items.filter((item) => item.code);
  return (
    <Stack gap={12}>
      <Text strong id="add-users-done">
        {[t("users.added", { n: items.length - failed.length }), failed.length > 0 && t("users.not_added", { n: failed.length })].filter(Boolean).join(" · ")}
      </Text>
      {links.length > 0 && <Notice tone="degraded">{t("users.note_links")}</Notice>}
      <Rows id="add-users-results">
        {[...failed, ...items.filter((item) => !item.code)].map((item, index) => (
          <RowLine key={`${item.address}-${index}`} id={`added-${item.address}`}>
            <Grow>
              <Stack gap={4}>
                <Line gap={8} keep>
                  {item.code ? <Shape status="offline" /> : <Icon name="check" size={13} />}
                  <Text strong wrap>{item.address}</Text>
                </Line>
                {item.id && item.mail !== "none" && <Text dim small id={`mail-${item.address}`}>{t(`users.mail_${item.mail}` as Key)}</Text>}
                {item.code ? <Text dim>{errorText({ code: item.code, message: item.text })}</Text> : item.link ? <Secret text={whole(item.link)} id={`link-${item.address}`} label={t("users.link_of", { name: item.address })} /> : <Text dim>{t("users.mailed")}</Text>}
              </Stack>
            </Grow>
          </RowLine>
        ))}
      </Rows>
      <DialogFoot start={links.length > 1 ? <CopyAct text={links.map((item) => `${item.address}\t${whole(item.link!)}`).join("\n")} label={t("users.copy_links")} id="add-users-copy" /> : undefined}>
        <Act onClick={onMore} id="add-users-more">
          {t(failed.length > 0 ? "users.mend" : "users.add_more")}
        </Act>
        <Act primary onClick={onClose} id="add-users-close">
          {t("action.close")}
        </Act>
      </DialogFoot>
    </Stack>
  );
}
