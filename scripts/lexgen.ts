console.log('lexgen placeholder')
