import { useState } from "react";
import { api } from "@/api/client";
import type { Place } from "@/api/types";
import { useCall } from "@/live/call";
import { photosOf, useSendPhotos } from "@/live/photos";
import { Act, Confirm, Dialog, DialogFoot, ErrorNote, Form, IconButton, Line, Photo, Photos, Section, Stack, Text, TextField, Underway, usePhone, usePictures } from "@/ui";
import { t } from "@/words";

/** What the place looks like, so that whoever is sent there finds the door and the rack. `why`: why it can't be changed. */
export function PlacePhotos({ place, why }: { place: Place; why: string | null }) {
  const [open, setOpen] = useState<string | null>(null);
  const { sending, error, send } = useSendPhotos(place.id, (added) => added.length === 1 && setOpen(added[0]?.id ?? null));
  const phone = usePhone();
  const files = usePictures({ label: t("photos.add"), onFiles: (chosen) => void send(chosen), id: "photos-files" });
  const camera = usePictures({ label: t("photos.take"), onFiles: (chosen) => void send(chosen), camera: true, id: "photos-camera" });
  const photos = photosOf(place);
  const busy = sending ? t("photos.busy") : why;
  const end = (
    <Line gap={4}>
      {phone && <IconButton icon="camera" label={t("photos.take")} onClick={camera.ask} reason={busy} id="photos-take" />}
      <IconButton icon="plus" label={t("photos.add")} onClick={files.ask} reason={busy} id="photos-add" />
    </Line>
  );
  return (
    <Section title={t("photos.title")} count={photos.length || undefined} id="place-photos" end={end}>
      <Stack gap={12}>
        {files.field}
        {camera.field}
        {sending && <Underway label={t("photos.sending", { name: sending.name })} part={sending.part} id="photos-sending" />}
        <ErrorNote error={error} id="photos-error" />
        {photos.length > 0 ? <Photos photos={photos} of={place.name} onOpen={setOpen} id="photos" /> : <Text dim id="photos-none">{t("photos.none")}</Text>}
      </Stack>
      {open && <PhotoDialog key={open} place={place} id={open} why={why} onOpen={setOpen} />}
    </Section>
  );
}

function PhotoDialog({ place, id, why, onOpen }: { place: Place; id: string; why: string | null; onOpen: (id: string | null) => void }) {
  const photos = photosOf(place);
  const at = photos.findIndex((photo) => photo.id === id);
  const photo = photos[at];
  const [typed, setTyped] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const { busy, error, run } = useCall<unknown>();
  if (!photo) return null; // one just sent is told of in a moment; one that was deleted elsewhere is gone
  const path = `/locations/${place.id}/photos/${id}`;
  const close = () => onOpen(null);
  const save = async () => {
    if (await run(() => api.patch(path, { caption: typed }))) close();
  };
  const remove = async () => {
    if (await run(() => api.delete(path).then(() => true))) close();
  };
  const to = (other: { id: string } | undefined) => (other ? () => onOpen(other.id) : undefined);
  if (asking)
    return (
      <Confirm title={t("photos.delete_title")} act={t("action.delete")} danger id="photo-delete" busy={busy} error={error} onClose={() => setAsking(false)} onAct={() => void remove()}>
        <Text>{t("photos.delete_text")}</Text>
        <Text dim>{t("place.no_undo")}</Text>
      </Confirm>
    );
  return (
    <Dialog title={photo.caption || t("photos.of", { place: place.name })} onClose={close} id="dialog-photo" broad>
      <Form onSubmit={() => void save()}>
        <Photo photo={photo} of={place.name} onPrevious={to(photos[at - 1])} onNext={to(photos[at + 1])} />
        {!why && <TextField label={t("photos.caption")} hint={t("photos.caption_hint")} value={typed ?? photo.caption} onChange={setTyped} id="photo-caption" />}
        <ErrorNote error={error} saving />
        <DialogFoot
          start={
            !why && (
              <Act danger onClick={() => setAsking(true)} id="photo-delete">
                {t("photos.delete")}
              </Act>
            )
          }
        >
          <Act onClick={close}>{t("action.close")}</Act>
          {!why && (
            <Act primary submit busy={busy} disabled={typed === null || typed.trim() === photo.caption} id="photo-save">
              {t("action.save")}
            </Act>
          )}
        </DialogFoot>
      </Form>
    </Dialog>
  );
}
