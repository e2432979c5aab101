import { useState } from "react";
import { ApiError, upload } from "@/api/client";
import type { Photo, Place } from "@/api/types";

/** The hub takes no larger file; asked here, nobody waits for a megabyte that is refused. */
const MOST_MIB = 16;

export function photosOf(place: Place) {
  return place.photos.map((photo) => {
    const large = `/api/v1/locations/${place.id}/photos/${photo.id}`;
    return { ...photo, large, small: `${large}?size=small` };
  });
}

interface Sending {
  name: string;
  part: number;
}

/** Sends pictures of a place one after the other. */
export function useSendPhotos(place: string, onDone: (added: Photo[]) => void) {
  const [sending, setSending] = useState<Sending | null>(null);
  const [error, setError] = useState<unknown>(null);
  const send = async (files: File[]) => {
    const added: Photo[] = [];
    setError(null);
    try {
      for (const file of files) {
        if (file.size > MOST_MIB << 20) throw new ApiError({ title: "", status: 413, code: "photo_bytes", detail: "", params: { most: MOST_MIB } });
        const show = (part: number) => setSending({ name: file.name, part });
        show(0);
        added.push(await upload<Photo>(`/locations/${place}/photos`, file, show));
      }
    } catch (problem) {
      setError(problem);
    } finally {
      setSending(null);
    }
    onDone(added);
  };
  return { sending, error, send };
}
