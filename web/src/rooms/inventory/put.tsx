import { useState } from "react";
import { api } from "@/api/client";
import type { Device } from "@/api/types";
import { useCall } from "@/live/call";
import { usePlaceChoices, usePlaces } from "@/live/places";
import { Act, Dialog, DialogFoot, Empty, ErrorNote, Form, Go, Loading, RowLine, Rows, SearchChoice, Stack, Text, Two } from "@/ui";
import { t, type Key } from "@/words";
import { countText } from "./tree";
import { nameOf, placeOf } from "./words";

const SHOWN = 6;

/** How it came to be where it is: "London > HQ, by a rule". */
export function whereText(device: Pick<Device, "location">): string {
  const { location } = device;
  return location ? t(`put.by_${location.by}` as Key, { path: location.path }) : t("put.nowhere");
}

function title(devices: readonly Device[]): string {
  return devices.length === 1 ? t("put.title_one", { name: nameOf(devices[0]!) }) : t("put.title", { what: countText(devices) });
}

/** Puts devices at a place by hand, or takes the hand's word back. A stack's word counts for all that hangs from it. */
export function PutDialog({ devices: asked, onClose }: { devices: readonly Device[]; onClose: () => void }) {
  // a filtered list may lose them while this is open
  const [devices] = useState(asked);
  const places = usePlaces();
  const choices = usePlaceChoices(places);
  const same = devices.every((device) => device.location?.id === devices[0]?.location?.id);
  const [chosen, setChosen] = useState<string | null>(null);
  const { busy, error, run } = useCall<boolean>();
  const place = chosen ?? (same ? (devices[0]?.location?.id ?? "") : "");
  const byHand = devices.filter((device) => device.location?.by === "hand");
  const others = devices.filter((device) => device.location && device.location.by !== "hand");
  const put = async (which: readonly Device[], location: string | null) => {
    const done = await run(async () => {
      await api.post("/locations/devices", { devices: which.map((device) => device.id), location });
      return true;
    });
    if (done) onClose();
  };
  return (
    <Dialog title={title(devices)} onClose={onClose} id="dialog-put" wide>
      {places.error ? (
        <ErrorNote error={places.error} />
      ) : !places.ready ? (
        <Loading rows={3} />
      ) : choices.length === 0 ? (
        <Empty title={t("place.empty")} action={<Go accent to="/locations">{t("nav.locations")}</Go>}>
          {t("put.no_places")}
        </Empty>
      ) : (
        <Form onSubmit={() => void put(devices, place)}>
          <Rows id="put-targets">
            {devices.slice(0, SHOWN).map((device) => (
              <RowLine key={device.id}>
                <Two first={<><Text strong>{nameOf(device)}</Text> <Text dim>{placeOf(device)}</Text></>} second={whereText(device)} />
              </RowLine>
            ))}
            {devices.length > SHOWN && <RowLine>{t("tools.and_more", { n: devices.length - SHOWN })}</RowLine>}
          </Rows>
          <SearchChoice label={t("field.location")} id="put-place" value={place} onChange={setChosen} options={choices} empty={t("put.choose")} autoFocus required />
          <Stack gap={4}>
            {devices.some((device) => device.kind === "stack") && <Text dim>{t("put.whole_stack")}</Text>}
            {others.length > 0 && <Text dim>{t("put.over_rule")}</Text>}
          </Stack>
          <ErrorNote error={error} />
          <DialogFoot
            start={
              byHand.length > 0 ? (
                <Act onClick={() => void put(byHand, null)} disabled={busy} id="put-back">
                  {t("put.take_back")}
                </Act>
              ) : undefined
            }
          >
            <Act onClick={onClose}>{t("action.cancel")}</Act>
            <Act primary submit busy={busy} disabled={!place} id="put-submit">
              {t("put.act")}
            </Act>
          </DialogFoot>
        </Form>
      )}
    </Dialog>
  );
}
