/**
 * Sample: a museum leaflet in English, Greek and Russian, three pages.
 *
 * @module
 */
import { COLOUR, Press } from "../press/press.ts";
import { drawTable } from "../press/table.ts";

export async function museumLeaflet(): Promise<Uint8Array> {
  const press = new Press({
    title: "The Lighthouse Museum: visitor leaflet",
    date: new Date(Date.UTC(2025, 3, 1)),
    footer: "Lighthouse Museum · Музей маяка · Μουσείο Φάρου",
  });
  english(press);
  greek(press);
  russian(press);
  return press.finish();
}

function band(press: Press): void {
  const { doc } = press;
  const { x, y } = doc;
  doc.rect(0, 0, doc.page.width, 16).fill(COLOUR.teal);
  const tower = doc.page.width - 112;
  doc.path(`M ${tower} 128 L ${tower + 9} 58 L ${tower + 27} 58 L ${tower + 36} 128 Z`).fill(COLOUR.rose);
  doc.rect(tower + 6, 82, 24, 12).fill("white");
  doc.rect(tower + 8, 44, 20, 14).fill(COLOUR.navy);
  doc.path(`M ${tower + 5} 44 L ${tower + 18} 32 L ${tower + 31} 44 Z`).fill(COLOUR.rose);
  doc.x = x;
  doc.y = y;
}

function english(press: Press): void {
  band(press);
  press.title("The Lighthouse Museum", "Visitor leaflet");
  press.lead("A tower of 1868, a lamp that floats on mercury, and 203 steps.");
  press.heading("The tower");
  press.paragraph(
    "The light on Cape Ellery was lit for the first time on 3 October 1868. It burned colza oil, later paraffin, and since 1958 an electric bulb. The lens was made in Paris by Barbier; it weighs 2.8 tonnes and floats in a bath of mercury so easily that a child can turn it with one finger. On clear nights the light was seen 23 sea miles away.",
  );
  press.paragraph(
    "The last keeper, Johanna Reus, left the tower in 1989, when the light became automatic. Her kitchen on the ground floor is as she left it, down to the calendar on the wall.",
  );
  press.heading("Opening hours and prices");
  drawTable(
    press,
    [
      { title: "Season", share: 2.4 },
      { title: "Days", share: 2.4 },
      { title: "Hours", share: 1.6 },
      { title: "Adults", share: 1.2, align: "right" },
      { title: "Children", share: 1.2, align: "right" },
    ],
    [
      ["April to June", "Tuesday to Sunday", "10–17", "90", "40"],
      ["July and August", "daily", "9–20", "110", "40"],
      ["September and October", "Friday to Sunday", "11–16", "90", "40"],
      ["November to March", "groups by appointment", "–", "75", "free"],
    ],
  );
  press.paragraph(
    "Children under six may not climb above the second floor. There is no lift. Dogs wait in the oil store, where there is water. The café sells fish soup until it has gone.",
  );
}

function greek(press: Press): void {
  press.newPage();
  band(press);
  press.title("Μουσείο Φάρου", "Φυλλάδιο επισκεπτών");
  press.lead("Ένας πύργος του 1868, ένας φακός που επιπλέει σε υδράργυρο και 203 σκαλοπάτια.");
  press.heading("Ο πύργος");
  press.paragraph(
    "Ο φάρος στο ακρωτήριο Έλερι άναψε για πρώτη φορά στις 3 Οκτωβρίου 1868. Στην αρχή έκαιγε λάδι, αργότερα παραφίνη, και από το 1958 έχει ηλεκτρικό λαμπτήρα. Ο φακός κατασκευάστηκε στο Παρίσι· ζυγίζει 2,8 τόνους και επιπλέει σε λουτρό υδραργύρου, ώστε ένα παιδί μπορεί να τον γυρίσει με ένα δάχτυλο. Τις καθαρές νύχτες το φως φαινόταν από απόσταση 23 ναυτικών μιλίων.",
  );
  press.paragraph(
    "Η τελευταία φαροφύλακας, η Γιοχάνα Ρέους, έφυγε από τον πύργο το 1989, όταν ο φάρος έγινε αυτόματος. Η κουζίνα της στο ισόγειο έμεινε όπως την άφησε, ακόμα και το ημερολόγιο στον τοίχο.",
  );
  press.heading("Πληροφορίες");
  press.bullets([
    "Τον Ιούλιο και τον Αύγουστο το μουσείο είναι ανοιχτό κάθε μέρα από τις 9 έως τις 20.",
    "Εισιτήριο: 110 κορώνες για ενήλικες, 40 κορώνες για παιδιά.",
    "Παιδιά κάτω των έξι ετών δεν επιτρέπεται να ανέβουν πάνω από τον δεύτερο όροφο.",
    "Δεν υπάρχει ανελκυστήρας. Οι σκύλοι περιμένουν στην αποθήκη λαδιού.",
  ]);
}

function russian(press: Press): void {
  press.newPage();
  band(press);
  press.title("Музей маяка", "Памятка посетителю");
  press.lead("Башня 1868 года, линза, плавающая в ртути, и 203 ступени.");
  press.heading("Башня");
  press.paragraph(
    "Маяк на мысе Эллери зажгли впервые 3 октября 1868 года. Сначала в нём горело масло, потом керосин, а с 1958 года горит электрическая лампа. Линза изготовлена в Париже; она весит 2,8 тонны и плавает в ртутной ванне так легко, что ребёнок может повернуть её одним пальцем. В ясные ночи свет был виден за 23 морские мили.",
  );
  press.paragraph(
    "Последняя смотрительница маяка, Иоганна Реус, покинула башню в 1989 году, когда маяк стал автоматическим. Её кухня на первом этаже осталась такой, какой была, вместе с календарём на стене.",
  );
  press.heading("Сведения");
  press.bullets([
    "В июле и августе музей открыт ежедневно с 9 до 20 часов.",
    "Билеты: взрослые 110 крон, дети 40 крон.",
    "Детям младше шести лет нельзя подниматься выше второго этажа.",
    "Лифта нет. Собаки ждут в масляном погребе, там есть вода.",
  ]);
}
