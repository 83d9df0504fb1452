// Reads a QR code with the camera, by what the browser has for it.
import { byId, setText } from './elements.js';

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
interface DetectorConstructor {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

const INTERVAL_MS = 150;

function detectorConstructor(): DetectorConstructor | undefined {
  return (globalThis as { BarcodeDetector?: DetectorConstructor }).BarcodeDetector;
}

/** Whether the browser reads QR codes and there is a camera. */
export async function canScan(): Promise<boolean> {
  const Constructor = detectorConstructor();
  if (Constructor === undefined || navigator.mediaDevices === undefined) return false;
  try {
    const formats = await Constructor.getSupportedFormats();
    const devices = await navigator.mediaDevices.enumerateDevices();
    return formats.includes('qr_code') && devices.some(({ kind }) => kind === 'videoinput');
  } catch {
    return false;
  }
}

/** The text of the first code that is seen; undefined when the person gave up. */
export async function scanCode(): Promise<string | undefined> {
  const camera = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: 'environment' },
  });
  const dialog = byId('scanner', HTMLDialogElement);
  const video = byId('scanner-video', HTMLVideoElement);
  const close = byId('scanner-close', HTMLButtonElement);
  const onClose = () => dialog.close();
  close.addEventListener('click', onClose);
  try {
    video.srcObject = camera;
    dialog.showModal();
    await video.play();
    return await watch(video, dialog);
  } finally {
    close.removeEventListener('click', onClose);
    for (const track of camera.getTracks()) track.stop();
    video.srcObject = null;
    dialog.close();
  }
}

async function watch(
  video: HTMLVideoElement, dialog: HTMLDialogElement,
): Promise<string | undefined> {
  const detector = new (detectorConstructor()!)({ formats: ['qr_code'] });
  while (dialog.open) {
    const codes = await detector.detect(video).catch(() => []);
    const [code] = codes;
    if (code !== undefined) {
      if (/^\s*[0-9a-fA-F]{32,}\s*$/.test(code.rawValue)) return code.rawValue.trim();
      setText(
        byId('scanner-text', HTMLParagraphElement), 'That is a QR code, but not one of a seed.');
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
  return undefined;
}
