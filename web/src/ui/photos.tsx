import { Progress } from "@mantine/core";
import { useRef, type ReactNode } from "react";
import { t } from "@/words";
import { IconButton } from "./forms";

export interface Shown {
  id: string;
  caption: string;
  width: number;
  height: number;
  /** Where the picture is: a small one and the large one. */
  small: string;
  large: string;
}

/** What a picture shows, for who can't see it. */
const shows = (photo: Shown, of: string) => photo.caption || t("photos.of", { place: of });

/** Small ones in a row, their captions below; a click opens one. */
export function Photos({ photos, of, onOpen, id }: { photos: Shown[]; of: string; onOpen: (id: string) => void; id: string }) {
  return (
    <ul className="photos" data-testid={id}>
      {photos.map((photo) => (
        <li key={photo.id}>
          <button type="button" onClick={() => onOpen(photo.id)} data-testid={`photo-${photo.id}`}>
            <img src={photo.small} alt={shows(photo, of)} loading="lazy" />
            {photo.caption && <span aria-hidden="true">{photo.caption}</span>}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The same to look at beside other words; a click opens the large one in a tab of its own. */
export function PhotoLinks({ photos, of, id }: { photos: Shown[]; of: string; id: string }) {
  return (
    <ul className="photos" data-testid={id}>
      {photos.map((photo) => (
        <li key={photo.id}>
          <a href={photo.large} target="_blank" rel="noreferrer">
            <img src={photo.small} alt={shows(photo, of)} loading="lazy" />
            {photo.caption && <span aria-hidden="true">{photo.caption}</span>}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** One, as large as there is room, with a way to its neighbours. */
export function Photo({ photo, of, onPrevious, onNext }: { photo: Shown; of: string; onPrevious?: () => void; onNext?: () => void }) {
  return (
    <div className="photo">
      <img key={photo.id} src={photo.large} width={photo.width} height={photo.height} alt={shows(photo, of)} data-testid="photo-large" />
      {(onPrevious || onNext) && (
        <div className="line gap-8 end">
          <IconButton icon="previous" label={t("photos.previous")} onClick={onPrevious} reason={onPrevious ? null : t("photos.first")} id="photo-previous" />
          <IconButton icon="chevron" label={t("photos.next")} onClick={onNext} reason={onNext ? null : t("photos.last")} id="photo-next" />
        </div>
      )}
    </div>
  );
}

/** Asks for pictures of the reader's own machine. `camera`: takes one there and then. */
export function usePictures({ label, onFiles, camera, id }: { label: string; onFiles: (files: File[]) => void; camera?: boolean; id: string }): { ask: () => void; field: ReactNode } {
  const input = useRef<HTMLInputElement>(null);
  const field = (
    <input
      ref={input}
      type="file"
      accept="image/jpeg,image/png,image/webp"
      multiple={!camera}
      capture={camera ? "environment" : undefined}
      hidden
      aria-label={label}
      data-testid={id}
      onChange={(event) => {
        const files = [...(event.currentTarget.files ?? [])];
        event.currentTarget.value = "";
        if (files.length > 0) onFiles(files);
      }}
    />
  );
  return { ask: () => input.current?.click(), field };
}

/** How far something is; `part` from 0 to 1. */
export function Underway({ label, part, id }: { label: string; part: number; id: string }) {
  return (
    <div className="stack gap-4" role="status" data-testid={id}>
      <span>{label}</span>
      <Progress value={part * 100} size="sm" aria-label={label} />
    </div>
  );
}
