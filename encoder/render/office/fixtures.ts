/**
 * Office files for tests, written by hand.
 *
 * @module
 */
import { crc32 } from "../../../shared/format/crc32.ts";

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;

/** A ZIP archive of text files, stored without compression. */
export function zip(files: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [path, text] of Object.entries(files)) {
    const [name, data] = [Buffer.from(path), Buffer.from(text)];
    // Version, flags, method, time and date, checksum, both sizes, length of the name, no extra field.
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt32LE(crc32(data), 10);
    facts.writeUInt32LE(data.length, 14);
    facts.writeUInt32LE(data.length, 18);
    facts.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([uint32(LOCAL_HEADER), facts, name, data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([uint32(CENTRAL_HEADER), Buffer.from([20, 0]), facts, tail, name]));
    locals.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(centrals);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(centrals.length, 4);
  end.writeUInt16LE(centrals.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, central, uint32(END_RECORD), end]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const DOCX_PART = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
const DOCM_PART = "application/vnd.ms-word.document.macroEnabled.main+xml";

/** A Word document of paragraphs; a page break before each but the first. */
export function docx(paragraphs: readonly string[], part: string = DOCX_PART): Buffer {
  const body = paragraphs.map((text, at) => {
    const pageBreak = at === 0 ? "" : '<w:r><w:br w:type="page"/></w:r>';
    return `<w:p>${pageBreak}<w:r><w:t>${text}</w:t></w:r></w:p>`;
  });
  return zip({
    "[Content_Types].xml": `<?xml version="1.0"?><Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="${part}"/></Types>`,
    "_rels/.rels": `<?xml version="1.0"?><Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
    "word/document.xml": `<?xml version="1.0"?><w:document xmlns:w="${WORD}"><w:body>${body.join("")}</w:body></w:document>`,
  });
}

/** The same with macros announced. */
export function docm(): Buffer {
  return docx(["macros"], DOCM_PART);
}

/** The header of a compound file, then what its directory may say. */
export function compoundFile(streams: readonly string[]): Buffer {
  const header = Buffer.alloc(512);
  header.set([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
  return Buffer.concat([header, ...streams.map((name) => Buffer.from(`${name}\0`, "utf16le")), Buffer.alloc(512)]);
}

const OASIS = "urn:oasis:names:tc:opendocument:xmlns";

/** An OpenDocument file of one part, as LibreOffice reads it: `kind` is `text`, `presentation` or `spreadsheet`. */
export function openDocument(kind: "text" | "presentation" | "spreadsheet", texts: readonly string[]): Buffer {
  const body = {
    text: texts.map((text) => `<text:p>${text}</text:p>`),
    presentation: texts.map(
      (text, at) =>
        `<draw:page draw:name="p${at}" draw:master-page-name="m"><draw:frame svg:x="2cm" svg:y="2cm" svg:width="20cm" svg:height="4cm"><draw:text-box><text:p>${text}</text:p></draw:text-box></draw:frame></draw:page>`,
    ),
    spreadsheet: [
      `<table:table table:name="s">${texts.map((text) => `<table:table-row><table:table-cell office:value-type="string"><text:p>${text}</text:p></table:table-cell></table:table-row>`).join("")}</table:table>`,
    ],
  }[kind].join("");
  const mime = `application/vnd.oasis.opendocument.${kind}`;
  const spaces = ["office", "text", "table", "style"].map((name) => `xmlns:${name}="${OASIS}:${name}:1.0"`).join(" ");
  const content = `<?xml version="1.0" encoding="UTF-8"?><office:document-content ${spaces} xmlns:draw="${OASIS}:drawing:1.0" xmlns:svg="${OASIS}:svg-compatible:1.0" office:version="1.2"><office:body><office:${kind}>${body}</office:${kind}></office:body></office:document-content>`;
  const styles = `<?xml version="1.0" encoding="UTF-8"?><office:document-styles ${spaces} xmlns:fo="${OASIS}:xsl-fo-compatible:1.0" office:version="1.2"><office:automatic-styles><style:page-layout style:name="l"><style:page-layout-properties fo:page-width="28cm" fo:page-height="21cm"/></style:page-layout></office:automatic-styles><office:master-styles><style:master-page style:name="m" style:page-layout-name="l"/></office:master-styles></office:document-styles>`;
  const manifest = `<?xml version="1.0" encoding="UTF-8"?><manifest:manifest xmlns:manifest="${OASIS}:manifest:1.0" manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="${mime}"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/><manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/></manifest:manifest>`;
  return zip({ mimetype: mime, "content.xml": content, "styles.xml": styles, "META-INF/manifest.xml": manifest });
}
