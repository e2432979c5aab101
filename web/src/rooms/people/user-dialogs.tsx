import { api, ApiError } from "@/api/client";
import { useSession } from "@/api/session";
import type { AddedUser, User } from "@/api/types";
import { useCall } from "@/live/call";
import { useEdits } from "@/live/edits";
import { useAway } from "@/live/hooks";
import { usePlaces } from "@/live/places";
import { Act, At, Clashes, Confirm, Dialog, DialogFoot, EndsOn, ErrorNote, Facts, Form, Notice, personState, roleName, Secret, Stack, Text, useNow } from "@/ui";
import { t, type Key } from "@/words";
import { dayOf, endOfDay } from "@/words/days";
import { AccessFields, type Access } from "./access";
import { whole } from "./add-users";
import { shownName, whyLocked } from "./user-words";
import { RemoveFactor, ResetFor, SignOut } from "./user-sign-in";

export type UserAct = "change" | "again" | "reset" | "sign-out" | "factor" | "disable" | "enable" | "remove";

interface Props {
  user: User;
  onClose: () => void;
}

export function UserDialog({ act, user, onClose }: Props & { act: UserAct }) {
  if (act === "change") return <Change user={user} onClose={onClose} />;
  if (act === "again") return <Again user={user} onClose={onClose} />;
  if (act === "reset") return <ResetFor user={user} onClose={onClose} />;
  if (act === "sign-out") return <SignOut user={user} onClose={onClose} />;
  if (act === "factor") return <RemoveFactor user={user} onClose={onClose} />;
  if (act === "remove") return <Remove user={user} onClose={onClose} />;
  return <Switch user={user} off={act === "disable"} onClose={onClose} />;
}

function useIsMe(user: User): boolean {
  return useSession().session.person?.id === user.id;
}

/** Only what was changed is said to the hub, so that two who change at once don't undo each other. */
export function changesOf(user: User, access: Access): Record<string, unknown> {
  const day = user.ends ? dayOf(user.ends) : "";
  const same = [...access.places].sort().join() === [...user.places].sort().join();
  return {
    ...(access.role === user.role ? {} : { role: access.role }),
    ...(same ? {} : { places: access.places }),
    ...(access.ends === day ? {} : { ends: endOfDay(access.ends) }),
  };
}

const listed = (text: string): string[] => text.split(",").filter(Boolean);
const fieldsOf = (user: User) => ({ role: user.role ?? "", places: [...user.places].sort().join(), ends: user.ends ? dayOf(user.ends) : "" });

/** Who somebody is this moment; the hub has no way to ask for one alone. */
async function freshOf(id: string): Promise<User> {
  const found = (await api.get<{ items: User[] }>("/users")).items.find((each) => each.id === id);
  if (!found) throw new ApiError({ title: "", status: 404, code: "no_such_person", detail: "" });
  return found;
}

const FIELD: Record<string, Key> = { role: "field.role", places: "users.limited", ends: "field.ends" };

function Change({ user, onClose }: Props) {
  const edits = useEdits(fieldsOf(user));
  const access: Access = { ...edits.values, places: listed(edits.values.places) };
  const setAccess = (next: Access) => {
    if (next.role !== access.role) edits.say("role", next.role);
    if (next.ends !== access.ends) edits.say("ends", next.ends);
    if (next.places !== access.places) edits.say("places", [...next.places].sort().join());
  };
  const { busy, error, run } = useCall<User | null>();
  const places = usePlaces();
  const why = whyLocked(user, useAway() !== null);
  const me = useIsMe(user);
  const submit = async () => {
    const done = await run(async () => {
      const fresh = await freshOf(user.id);
      const typed = edits.check(fieldsOf(fresh));
      if (typed === null) return null;
      const wanted = { ...fieldsOf(fresh), ...typed };
      const changes = changesOf(fresh, { ...wanted, places: listed(wanted.places) });
      return Object.keys(changes).length === 0 ? fresh : api.patch<User>(`/users/${user.id}`, changes);
    });
    if (done) onClose();
  };
  const shown = (field: string, value: string) => (field === "role" ? roleName(value as User["role"]) : field === "places" ? listed(value).map((id) => places.rows.get(id)?.path ?? t("users.place_gone")).join("; ") : value);
  return (
    <Dialog title={t("users.change_title", { name: shownName(user) })} onClose={onClose} id="dialog-user" wide>
      {why ? (
        <Locked user={user} why={why} onClose={onClose} />
      ) : (
        <Form onSubmit={() => void submit()}>
          <Text dim>{user.sign_in}</Text>
          {me && <Notice tone="degraded">{t("users.this_is_you")}</Notice>}
          <AccessFields value={access} onChange={setAccess} />
          <Text dim small>{t("users.change_text")}</Text>
          <Clashes clashes={edits.clashes} name={(field) => t(FIELD[field]!)} shown={shown} onSettle={edits.settle} />
          <ErrorNote error={error} saving />
          <DialogFoot>
            <Act onClick={onClose}>{t("action.cancel")}</Act>
            <Act primary submit busy={busy} disabled={!edits.changed} reason={edits.clashes.length > 0 ? t("clash.first") : null} id="user-submit">
              {t("action.save")}
            </Act>
          </DialogFoot>
        </Form>
      )}
    </Dialog>
  );
}

function Locked({ user, why, onClose }: Props & { why: string }) {
  const state = personState(user, useNow());
  const none = <Text dim>–</Text>;
  return (
    <Stack gap={12}>
      <Notice tone="degraded" id="user-locked">{why}</Notice>
      {state && (
        <Facts
          lines={[
            { name: t("field.user"), value: user.sign_in },
            { name: t("field.role"), value: roleName(user.role) },
            { name: t("field.state"), value: t(`person.${state}`) },
            { name: t("field.ends"), value: user.ends ? <EndsOn time={user.ends} /> : none },
            { name: t("field.last_sign_in"), value: user.last_seen ? <At time={user.last_seen} /> : none },
            { name: t("field.added"), value: user.created ? <At time={user.created} /> : none },
          ]}
        />
      )}
      <DialogFoot>
        <Act onClick={onClose}>{t("action.close")}</Act>
      </DialogFoot>
    </Stack>
  );
}

function Again({ user, onClose }: Props) {
  const { busy, error, result, run } = useCall<AddedUser>();
  if (result?.link)
    return (
      <Dialog title={t("users.again_title", { name: shownName(user) })} onClose={onClose} id="dialog-again" wide stays>
        <Stack gap={12}>
          <Notice tone="degraded">{t("users.note_link")}</Notice>
          {result.mail !== "none" && <Text dim id="again-mail">{t(`users.mail_${result.mail}` as Key)}</Text>}
          <Secret text={whole(result.link)} id="again-link" label={t("users.link_of", { name: result.address })} />
          <DialogFoot>
            <Act primary onClick={onClose} id="again-close">
              {t("action.close")}
            </Act>
          </DialogFoot>
        </Stack>
      </Dialog>
    );
  return (
    <Confirm title={t("users.again_title", { name: shownName(user) })} act={t("users.again_act")} id="again" busy={busy} error={error} onClose={onClose} onAct={() => void run(() => api.post<AddedUser>(`/users/${user.id}/invitation`))}>
      <Text>{t(result ? "users.mailed" : "users.again_text")}</Text>
    </Confirm>
  );
}

function Switch({ user, off, onClose }: Props & { off: boolean }) {
  const { busy, error, run } = useCall<User>();
  const me = useIsMe(user);
  const act = async () => {
    if (await run(() => api.patch<User>(`/users/${user.id}`, { disabled: off }))) onClose();
  };
  return (
    <Confirm title={t(off ? "users.disable_title" : "users.enable_title", { name: shownName(user) })} act={t(off ? "users.disable" : "users.enable")} danger={off} id={off ? "disable" : "enable"} busy={busy} error={error} onClose={onClose} onAct={() => void act()}>
      <Text>{t(off ? "users.disable_text" : "users.enable_text")}</Text>
      {me && <Notice tone="degraded">{t("users.this_is_you")}</Notice>}
    </Confirm>
  );
}

function Remove({ user, onClose }: Props) {
  const { busy, error, run } = useCall<boolean>();
  const me = useIsMe(user);
  const invited = user.state === "invited";
  const act = async () => {
    const done = await run(async () => {
      await api.delete(`/users/${user.id}`);
      return true;
    });
    if (done) onClose();
  };
  return (
    <Confirm title={t(invited ? "users.withdraw_title" : "users.remove_title", { name: shownName(user) })} act={t(invited ? "users.withdraw" : "users.remove")} danger id="remove" busy={busy} error={error} onClose={onClose} onAct={() => void act()}>
      <Text>{t(invited ? "users.withdraw_text" : "users.remove_text")}</Text>
      {me && <Notice tone="degraded">{t("users.this_is_you")}</Notice>}
      <Text dim>{t("place.no_undo")}</Text>
    </Confirm>
  );
}
