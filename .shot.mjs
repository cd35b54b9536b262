import { chromium } from 'playwright-core';
const [,, base, ...paths] = process.argv;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const [w, vp] of [['wide', {width:1440,height:900}], ['narrow',{width:390,height:844}]])
  for (const colorScheme of ['light','dark']) {
    const page = await browser.newPage({ viewport: vp, colorScheme });
    page.on('console', m => { if (m.type()==='error') console.log('console', m.text()); });
    page.on('pageerror', e => console.log('pageerror', e.message));
    for (const p of paths) {
      await page.goto(`${base}/#${p}`);
      await page.waitForTimeout(1500);
      await page.screenshot({ path: `/tmp/shots/${p.replaceAll('/','_').slice(0,20)}_${w}_${colorScheme}.png`, fullPage: w==='narrow' });
      const m = await page.evaluate(() => performance.getEntriesByName('flow layout').map(e => e.duration));
      if (m.length) console.log(p, 'layout ms', m);
    }
    await page.close();
  }
await browser.close();
