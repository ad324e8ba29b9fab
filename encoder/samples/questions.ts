/**
 * Questions about the sample documents, with the pages that answer them.
 *
 * @module
 */

/** One line of `questions.jsonl`. */
export interface SampleQuestion {
  id: string;
  question: string;
  answer: string;
  pdf: string;
  /** 1-based. */
  pages: readonly number[];
  /** Sentences or cells that hold the answer, as printed. */
  evidence: readonly { pdf: string; page: number; text: string }[];
}

function ask(id: string, pdf: string, page: number, question: string, answer: string, text: string): SampleQuestion {
  return { id, question, answer, pdf, pages: [page], evidence: [{ pdf, page, text }] };
}

const REPORT = "ferry-annual-report-2025.pdf";
const TIMETABLE = "ferry-timetable-2026.pdf";
const KELP = "kelp-growth-article.pdf";
const AUDIT = "swimming-hall-energy-audit.pdf";
const MANUAL = "heat-pump-manual.pdf";
const LEAFLET = "lighthouse-museum-leaflet.pdf";
const LETTER = "keeper-letter-1931.pdf";
const HANDBOOK = "allotment-handbook.pdf";

export const questions: readonly SampleQuestion[] = [
  ask(
    "ferry-1",
    REPORT,
    2,
    "How long does it take to charge the Grey Heron?",
    "Eleven minutes",
    "Charging takes eleven minutes at the Port Ellery quay",
  ),
  ask(
    "ferry-2",
    REPORT,
    3,
    "How many passengers travelled between Port Ellery and Korrin in 2025?",
    "220,000",
    "Port Ellery – Korrin 180,000 187,000 220,000 +18 %",
  ),
  ask(
    "ferry-3",
    REPORT,
    4,
    "How much did the ferry company spend on wages and pensions in 2025?",
    "84.8 million crowns",
    "Wages and pensions 79.4 84.8",
  ),
  ask(
    "ferry-4",
    REPORT,
    5,
    "Which ferry was built in 1974 and sails only in summer?",
    "The Old Margaret",
    "The Old Margaret, built in 1974, sails only in summer",
  ),
  ask(
    "timetable-1",
    TIMETABLE,
    1,
    "What does it cost to take a bicycle on the ferry to Skerry Island?",
    "25 crowns",
    "Bicycle 20 20 25",
  ),
  ask(
    "kelp-1",
    KELP,
    1,
    "On what date were the kelp ropes hung in the water?",
    "9 November 2024",
    "On 9 November 2024 we hung thirty-six ropes of ten metres each",
  ),
  ask(
    "kelp-2",
    KELP,
    2,
    "How much of the blade surface did sea mats cover at two metres depth?",
    "17 per cent",
    "covered 17 per cent of the blade surface at two metres",
  ),
  ask(
    "kelp-3",
    KELP,
    3,
    "What would a winch that lowers forty ropes at once cost?",
    "About 30,000 crowns",
    "A winch that lowers forty ropes at once would cost about 30,000 crowns.",
  ),
  ask(
    "audit-1",
    AUDIT,
    1,
    "What share of the swimming hall's energy goes into ventilation?",
    "41 %",
    "Ventilation and drying of air: 41 %",
  ),
  ask(
    "audit-2",
    AUDIT,
    2,
    "Why was energy use so low in July at the swimming hall?",
    "The hall was closed for three weeks",
    "the hall was closed for three weeks while the showers were retiled",
  ),
  ask(
    "audit-3",
    AUDIT,
    3,
    "How quickly do night covers for the pools pay for themselves?",
    "1.1 years",
    "2. Covers for both pools at night 380,000 310 MWh 1.1 years",
  ),
  ask(
    "pump-1",
    MANUAL,
    1,
    "How high must the concrete plinth under the outdoor unit be?",
    "At least 150 millimetres",
    "a level concrete plinth at least 150 millimetres high",
  ),
  ask(
    "pump-2",
    MANUAL,
    2,
    "At what pressure does the safety valve of the heating circuit open?",
    "3 bar",
    "The safety valve opens at 3 bar.",
  ),
  ask("pump-3", MANUAL, 3, "What does error code E12 mean?", "The fan is blocked", "E12 Fan blocked"),
  ask("pump-4", MANUAL, 4, "How much does the Nordwind 12 weigh?", "164 kg", "Weight 128 kg 164 kg"),
  ask(
    "museum-1",
    LEAFLET,
    1,
    "When was the lighthouse on Cape Ellery first lit?",
    "3 October 1868",
    "The light on Cape Ellery was lit for the first time on 3 October 1868.",
  ),
  ask(
    "museum-2",
    LEAFLET,
    2,
    "Ποιο χρόνο έφυγε η τελευταία φαροφύλακας από τον πύργο;",
    "Το 1989",
    "έφυγε από τον πύργο το 1989",
  ),
  ask("museum-3", LEAFLET, 3, "Сколько весит линза маяка?", "2,8 тонны", "она весит 2,8 тонны"),
  ask(
    "letter-1",
    LETTER,
    1,
    "Which steamer struck the Hen and Chickens in thick snow?",
    "The Astrid of Bergen",
    "the steamer ASTRID of Bergen struck the Hen and Chickens in thick snow",
  ),
  ask(
    "allotment-1",
    HANDBOOK,
    1,
    "When are fires allowed on the allotments?",
    "October to March, Saturdays after four in the afternoon",
    "Fires are allowed from October to March, on Saturdays after four in the afternoon",
  ),
  ask(
    "allotment-2",
    HANDBOOK,
    2,
    "How long must a bed be kept free of cabbage because of clubroot?",
    "Seven years",
    "grow no cabbage in the same bed for seven years",
  ),
  ask(
    "allotment-3",
    HANDBOOK,
    3,
    "How heavy was the largest pumpkin ever grown on the allotments?",
    "71.5 kilograms",
    "Largest pumpkin: 71.5 kilograms, grown by Oskar Lind on plot 12 in 2018.",
  ),
];
